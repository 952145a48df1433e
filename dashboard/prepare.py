"""Prepares Superset's own database, the one user, and the declared dashboard. Runs in Superset's environment; safe to repeat."""

import os
import sys
from pathlib import Path

DECLARED = Path(__file__).with_name("assets")


def main() -> None:
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        from flask import g
        from flask_migrate import upgrade
        from superset import security_manager
        from superset.commands.importers.v1.assets import ImportAssetsCommand

        upgrade(directory=str(Path(sys.modules["superset"].__file__).with_name("migrations")))
        app.appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        g.user = _user(security_manager)
        ImportAssetsCommand(declared()).run()


def declared() -> dict[str, str]:
    """The declared files by their path in an export of Superset's."""
    return {path.relative_to(DECLARED).as_posix(): path.read_text() for path in sorted(DECLARED.rglob("*.yaml"))}


def _user(security_manager):
    """The one who signs in, with the password of the state."""
    name, password = os.environ["TB_DASHBOARD_USER"], os.environ["TB_DASHBOARD_PASSWORD"]
    if user := security_manager.find_user(name):
        security_manager.reset_password(user.id, password)
        return user
    role = security_manager.find_role("Admin")
    return security_manager.add_user(name, "Trust", "benchmarks", f"{name}@localhost", role, password=password)


if __name__ == "__main__":
    main()
