"""Fresh stores for tests: a copy of the session's warehouse and empty buckets."""

import contextlib
import os
import secrets
import tempfile


@contextlib.contextmanager
def new_world(services):
    """An own warehouse (migrated, with reference data), own empty buckets and cache, named in the environment."""
    import boto3  # noqa: F401  (loaded here, so that no test's time limit pays for it)
    import psycopg
    from trust_benchmarks.stores import pool
    from trust_benchmarks_local import objects

    name = f"world_{secrets.token_hex(4)}"
    port, password = services["TB_PORT_POSTGRES"], services["TB_POSTGRES_PASSWORD"]
    s3, at = objects.admin(services), f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
    with (
        psycopg.connect(at, autocommit=True) as superuser,
        tempfile.TemporaryDirectory(prefix="trust-benchmarks-cache-") as cache,
        _empty_buckets(s3, objects.BUCKETS) as buckets,
    ):
        pool.close()  # nobody may be connected to a database that is copied
        superuser.execute(f"CREATE DATABASE {name} TEMPLATE warehouse OWNER warehouse STRATEGY file_copy")
        world = services | buckets | addresses(services, name) | {"TB_CACHE": cache}
        try:
            with environment(world):
                yield world
        finally:
            pool.close()
            with psycopg.connect(at, autocommit=True) as another:  # a test may have crashed the server
                another.execute(f"DROP DATABASE {name} WITH (FORCE)")


def addresses(settings, database):
    """The addresses of another warehouse on the same server, for the pipeline and for its owner."""
    names = ("TB_WAREHOUSE_URL", "TB_WAREHOUSE_OWNER_URL")
    return {name: f"{settings[name].rpartition('/')[0]}/{database}" for name in names}


INBOX = "TB_BUCKET_INBOX"
# By their variables; the first object of a new bucket takes a while, so buckets are used again.
FREE_BUCKETS: dict[str, list[str]] = {}


@contextlib.contextmanager
def _empty_buckets(s3, names):
    """Buckets that nobody else uses, by their variables; they are emptied afterwards."""
    buckets = {}
    for variable, name in names.items():
        if free := FREE_BUCKETS.setdefault(variable, []):
            buckets[variable] = free.pop()
        else:
            buckets[variable] = f"{name}-{secrets.token_hex(4)}"
            s3.create_bucket(Bucket=buckets[variable])
    yield buckets
    for variable, bucket in buckets.items():
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            if keys := [{"Key": entry["Key"]} for entry in page.get("Contents", [])]:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})
        FREE_BUCKETS[variable].append(bucket)


@contextlib.contextmanager
def environment(settings):
    """The settings of the pipeline in the environment, and the S3 client that belongs to them."""
    from trust_benchmarks.stores import objects
    from trust_benchmarks_local.services import exported

    before = {name: os.environ.get(name) for name in exported(settings)}
    os.environ.update(exported(settings))
    objects.client.cache_clear()
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        objects.client.cache_clear()


@contextlib.contextmanager
def copy_of(world):
    """A world with a copy of another one's warehouse and an empty inbox, for tests that begin where others did.

    The other buckets are the same: objects are only ever added to them under names made of their content, so that copies do not
    disturb each other. What one puts into its inbox, another must not receive.
    """
    import psycopg
    from trust_benchmarks.stores import pool
    from trust_benchmarks_local import objects

    name, original = f"world_{secrets.token_hex(4)}", world["TB_WAREHOUSE_URL"].rpartition("/")[2]
    port, password = world["TB_PORT_POSTGRES"], world["TB_POSTGRES_PASSWORD"]
    s3, at = objects.admin(world), f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
    with (
        psycopg.connect(at, autocommit=True) as superuser,
        _empty_buckets(s3, {INBOX: objects.BUCKETS[INBOX]}) as inbox,
    ):
        pool.close()
        superuser.execute(f"CREATE DATABASE {name} TEMPLATE {original} OWNER warehouse STRATEGY file_copy")
        copy = world | addresses(world, name) | inbox
        try:
            with environment(copy):
                yield copy
        finally:
            pool.close()
            with psycopg.connect(at, autocommit=True) as another:  # a test may have crashed the server
                another.execute(f"DROP DATABASE {name} WITH (FORCE)")
