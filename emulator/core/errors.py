"""Owns the one error tree that may cross a floor; a class is a code of the cloud.

    EmulatorError                     anything the suite refuses
      InvalidParam                    a request field is missing, of a wrong type or out of range
        InvalidName                   a collection, function or path name the cloud refuses
      InvalidCommonParam              the request itself is not understood
      RequestTooLarge                 a body or document beyond a named bound
      PermissionDenied                a rule or preset said no
      FunctionForbidden               the rule of a function said no
      RuleInvalid                     the text of a rule is none; the character is told
      DatabaseError
        DatabaseRequestFailed         MongoDB's own refusal, with its number and text
          DuplicateKey                E11000
        InvalidOperator               no such query or update operator
        CollectionNotExist            nothing is created on first use
        CollectionExists              created twice
        TooManyCollections            beyond what the profile allows
        TransactionConflict           another transaction wrote the same document
        TransactionNotExist           committed, aborted, expired or never started
      FunctionNotFound                no folder of that name, or it never loaded
      FunctionFailed                  user code raised, ended or returned what JSON cannot hold
        FunctionOverran               user code ran longer than its time-out
      StorageFileNotExist             no file under that path
      StorageDenied                   the ticket is wrong, expired or for another path
      ConfigurationError              a file of the project is wrong; file, line and key are told
      StoreError                      the disk refused; nothing was changed

Codes and their spelling (typos included) follow wx-server-sdk 4.0.2's table; messages are sentences
that say what is wrong, where, and what to do. Shapes on the wire belong to `wire.envelope`.
"""

from typing import ClassVar, Final

ENV_SHOWN_MAX_LENGTH: Final = 60
_PAGES: Final = "https://docs.cloudbase.net/error-code/basic"


def documented(message: str, code: str) -> str:
    """Return a text with the page of its code at the end, where the cloud names one.

    Pages and functions look for the code in texts, which is there by its page alone.
    """
    return f"{message} 更多错误信息请访问：{_PAGES}/{code}"


class EmulatorError(Exception):
    """Anything the suite refuses; `code` is the cloud's, `hint` is for the developer only."""

    code: ClassVar[str] = "SYS_ERR"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidParam(EmulatorError):
    """A request field is missing, of a wrong type or out of range."""

    code = "INVALID_PARAM"


class InvalidName(InvalidParam):
    """A collection, function, path or trigger name that the cloud refuses."""


class InvalidCommonParam(EmulatorError):
    """The request itself is not understood."""

    code = "INVALID_COMMON_PARAM"


class RequestTooLarge(EmulatorError):
    """A body or document is beyond a named bound."""

    code = "INVALID_PARAM"


class PermissionDenied(EmulatorError):
    """A rule or preset said no."""

    code = "DATABASE_PERMISSION_DENIED"


class FunctionForbidden(EmulatorError):
    """The rule of a function said no."""

    code = "PERMISSION_DENIED"


class RuleInvalid(EmulatorError):
    """The text of a rule is none; `position` is the character of the expression, from 0."""

    code = "INVALID_PARAM"

    def __init__(self, message: str, *, position: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.position = position


class DatabaseError(EmulatorError):
    """Anything the database refuses."""

    code = "DATABASE_REQUEST_FAILED"


class DatabaseRequestFailed(DatabaseError):
    """MongoDB's own refusal; `mongo_code` is its number (2 BadValue, 9 FailedToParse, ...)."""

    def __init__(self, message: str, *, mongo_code: int = 2, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.mongo_code = mongo_code


class DuplicateKey(DatabaseRequestFailed):
    """A unique key is taken; the message starts with E11000."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, mongo_code=11000, hint=hint)


class InvalidOperator(DatabaseRequestFailed):
    """No such query or update operator; the code's spelling is the cloud's."""

    code = "DATABASE_INVALID_OPERRATOR"


class CollectionNotExist(DatabaseError):
    """The collection was never created; nothing is created on first use."""

    code = "DATABASE_COLLECTION_NOT_EXIST"

    @classmethod
    def named(cls, name: str) -> "CollectionNotExist":
        """Return the refusal of a name that no collection has."""
        message = (
            f"[ResourceNotFound] Db or Table not exist: {name}. Please check your request, "
            "but if the problem cannot be solved, contact us."
        )
        hint = f"create it first: db.createCollection({name!r}), or seed it"
        return cls(documented(message, cls.code), hint=hint)


class CollectionExists(DatabaseError):
    """The collection is there already."""


class TooManyCollections(DatabaseError):
    """There are as many collections as the profile allows."""

    code = "DATABASE_COLLECTION_EXCEED_LIMIT"


class TransactionConflict(DatabaseError):
    """Another transaction wrote the same document."""

    code = "DATABASE_TRANSACTION_CONFLICT"


class TransactionNotExist(DatabaseError):
    """The transaction was committed, aborted, has expired or never started."""

    code = "DATABASE_TRANSACTION_FAIL"


class InvalidEnv(EmulatorError):
    """The environment that a request names is another one."""

    code = "INVALID_ENV"

    @classmethod
    def instead_of(cls, env_id: str, named: str) -> "InvalidEnv":
        """Return the refusal of a name where the environment is `env_id`."""
        return cls(
            "[100003] Param Invalid: env check invalid be filterd: the environment here is "
            f"{env_id}, not {named:.{ENV_SHOWN_MAX_LENGTH}}",
            hint=f"name {env_id} in init(), leave the name out, or leave strict off",
        )


class QualifierNotFound(EmulatorError):
    """A function has no version of that name."""

    code = "FUNCTION_QUALIFIER_NOT_FOUND"


class FunctionNotFound(EmulatorError):
    """No function of that name, or none that ever loaded."""

    code = "FUNCTION_NOT_FOUND"

    @classmethod
    def named(cls, name: str, *, hint: str = "") -> "FunctionNotFound":
        """Return the refusal of a name that no function has; the cloud leaves the name out."""
        message = f"FunctionName parameter could not be found. There is no function {name}."
        return cls(documented(message, cls.code), hint=hint)


class FunctionFailed(EmulatorError):
    """User code raised, ended or returned what JSON cannot hold."""

    code = "FUNCTIONS_EXECUTE_FAIL"


class FunctionOverran(FunctionFailed):
    """User code ran longer than its time-out."""

    code = "FUNCTIONS_TIME_LIMIT_EXCEEDED"


class StorageFileNotExist(EmulatorError):
    """No file under that path."""

    code = "STORAGE_FILE_NONEXIST"


class StorageDenied(EmulatorError):
    """The ticket is wrong, expired or was made for another path."""

    code = "STORAGE_EXCEED_AUTHORITY"


class ConfigurationError(EmulatorError):
    """A file of the project is wrong; the message names file, line and key."""

    code = "INVALID_CONFIGURATION"


class StoreError(EmulatorError):
    """The disk refused; nothing was changed."""

    code = "DATABASE_REQUEST_FAILED"
