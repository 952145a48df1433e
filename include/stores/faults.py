"""What a failure is: a store that is down, which every task must fail for, or one input that breaks what is done with it."""

import errno

import psycopg
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError, NoCredentialsError

# Of the machine or the network, whatever the file.
_OF_THE_MACHINE = {
    errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOMEM,
    errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE, errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH,
}  # fmt: skip
# Refusals of one value, which PostgreSQL counts among operational errors.
_OF_ONE_VALUE = (psycopg.errors.ProgramLimitExceeded, psycopg.errors.StatementTooComplex)


def is_outage(problem: BaseException) -> bool:
    """Whether a store or the machine is to blame, so that trying again later is right and holding a file would be wrong."""
    if isinstance(problem, psycopg.OperationalError | psycopg.InterfaceError):
        return not isinstance(problem, _OF_ONE_VALUE)
    if isinstance(problem, HTTPClientError | IncompleteReadError | NoCredentialsError):
        return True
    if isinstance(problem, ClientError):
        return status(problem) >= 500 or problem.response["Error"]["Code"] in (
            "NoSuchBucket",
            "AccessDenied",  # our key may not do it: a bucket of another name, or rights that are missing
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
        )
    return isinstance(problem, OSError) and problem.errno in _OF_THE_MACHINE


def is_failure(problem: BaseException) -> bool:
    """Whether it is a failure at all: an exception, or a library written in Rust that gave up (no Exception in Python)."""
    return isinstance(problem, Exception) or type(problem).__name__ == "PanicException"


def status(problem: ClientError) -> int:
    """The HTTP status of what the object store answered; 0 where it is not told."""
    return int(problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
