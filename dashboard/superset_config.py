"""Superset on one machine: secrets from the state folder by way of the environment, nothing that talks to anybody else.

run.py sets the environment; without it this file refuses to load, so that no default secret is ever used.
"""

import os

SECRET_KEY = os.environ["TB_DASHBOARD_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = f"sqlite:///{os.environ['TB_DASHBOARD_DATABASE']}"
APP_NAME = "Trust benchmarks"
THEME_DARK = None


# The declared address of the warehouse names the role and database; port and password are those of the running state.
def DB_CONNECTION_MUTATOR(uri, params, username, security_manager, source):
    """The address of the warehouse as it is now, for the one role that dashboards read as; any other is left as it is."""
    if uri.username == "dashboard_reader":
        uri = uri.set(port=int(os.environ["TB_PORT_POSTGRES"]), password=os.environ["TB_READER_PASSWORD"])
    return uri, params


# Cookies do not know ports, and Airflow and the desk are on the same address.
SESSION_COOKIE_NAME = "trust_benchmarks_dashboard"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
WTF_CSRF_ENABLED = True
AUTH_ROLE_PUBLIC = "Public"  # may do nothing
PUBLIC_ROLE_LIKE = None

# What pages may load: this server and nothing else. Superset's own setting also allows maps, fonts, and the counting
# pixel of its telemetry, which is in its scripts and is stopped here.
TALISMAN_ENABLED = True
TALISMAN_CONFIG = {
    "content_security_policy": {
        "default-src": ["'self'"],
        "base-uri": ["'self'"],
        "object-src": "'none'",
        "frame-ancestors": "'none'",
        "img-src": ["'self'", "blob:", "data:"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'", "blob:"],
        "font-src": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,  # on 127.0.0.1; behind a proxy that has a certificate, set both to True
    "session_cookie_secure": False,
}

# One process serves it all, so that what would need a server of its own stays in memory or in the metadata database.
RATELIMIT_STORAGE_URI = "memory://"
SQLLAB_CTAS_NO_LIMIT = False
FEATURE_FLAGS = {"ALERT_REPORTS": False, "THUMBNAILS": False, "ENABLE_TEMPLATE_PROCESSING": False}
