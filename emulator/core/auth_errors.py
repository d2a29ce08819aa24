"""Owns what signing in may be refused with, in both spellings that client SDKs read.

    AuthError                         anything about users, codes and tokens
      InvalidArgument                 a field of a sign-in is missing or wrong
      WrongPassword                   no such user, or not this password
      UserNotFound                    nobody has that name, address or number
      UserExists                      the name, address or number is somebody's already
      UserBlocked                     the user was switched off
      WrongCode                       the code or its token is wrong, used up or expired
      SignatureInvalid                a server SDK's request is not signed as it must be
      TicketInvalid                   a custom-login ticket is forged, expired or of elsewhere
      ProviderNotEnabled              nobody stands behind that way to sign in
      NotImplementedHere              the endpoint is one of the cloud's that the suite lacks
      Unauthenticated                 a bearer token is missing or worth nothing
      AccessTokenExpired              it was good once: the SDKs refresh it and repeat
      InvalidRefreshToken             of no session: the SDKs forget who was signed in
      RefreshTokenExpired             of a session that has ended
      TooManyTries                    codes are guessed, or asked for too often

`code` is read on `/web` (js-sdk 1.x), `error` with `number` and `status` on `/auth/v1` (2.x, 3.x).
"""

from typing import ClassVar

from emulator.core.errors import EmulatorError


class AuthError(EmulatorError):
    """Anything about users, codes and tokens that is refused."""

    code: ClassVar[str] = "OPERATION_FAIL"
    error: ClassVar[str] = "failed_precondition"
    number: ClassVar[int] = 9
    status: ClassVar[int] = 400


class InvalidArgument(AuthError):
    """A field of a sign-in is missing or wrong."""

    code = "INVALID_PARAM"
    error = "invalid_argument"
    number = 3


class WrongPassword(AuthError):
    """There is no such user, or it has another password; which of both is not told."""

    code = "INVALID_USERNAME_OR_PASSWORD"
    error = "invalid_username_or_password"
    number = 3


class UserNotFound(AuthError):
    """Nobody has that name, address or number."""

    code = "USER_NOT_EXIST"
    error = "not_found"
    number = 5
    status = 404


class UserExists(AuthError):
    """The name, address or number is somebody's already."""

    code = "USER_ALREADY_EXIST"
    error = "already_exists"
    number = 6
    status = 409


class UserBlocked(AuthError):
    """The user was switched off."""

    code = "USER_BLOCKED"
    error = "user_blocked"
    number = 7
    status = 403


class WrongCode(AuthError):
    """The code, or what it was changed for, is wrong, used up or expired."""

    code = "INVALID_VERIFICATION_CODE"
    error = "invalid_verification_code"
    number = 3


class SignatureInvalid(AuthError):
    """A request of a server SDK is not signed with a known secret key."""

    code = "SIGN_PARAM_INVALID"
    error = "unauthenticated"
    number = 16
    status = 401


class TicketInvalid(AuthError):
    """A custom-login ticket is forged, expired or of another environment."""

    code = "SIGN_PARAM_INVALID"
    error = "invalid_argument"
    number = 3


class ProviderNotEnabled(AuthError):
    """Nobody stands behind that way to sign in."""

    code = "OPERATION_FAIL"
    error = "provider_not_enabled"
    number = 9


class NotImplementedHere(AuthError):
    """The endpoint is one of the cloud's that the suite does not have."""

    code = "INVALID_ACTION"
    error = "unimplemented"
    number = 12
    status = 501


class Unauthenticated(AuthError):
    """A bearer token is missing or worth nothing; the SDKs forget theirs."""

    code = "CHECK_LOGIN_FAILED"
    error = "unauthenticated"
    number = 16
    status = 401


class AccessTokenExpired(AuthError):
    """The token was good once, or for another data folder; the SDKs refresh it and repeat."""

    code = "ACCESS_TOKEN_EXPIRED"
    error = "unauthenticated"
    number = 16
    status = 401


class InvalidRefreshToken(AuthError):
    """No session has that token; the SDKs forget who was signed in."""

    code = "INVALID_REFRESH_TOKEN"
    error = "invalid_grant"
    number = 4008


class RefreshTokenExpired(AuthError):
    """The session of the token has ended."""

    code = "REFRESH_TOKEN_EXPIRED"
    error = "invalid_grant"
    number = 4008


class TooManyTries(AuthError):
    """Codes are guessed, or asked for more often than a person would."""

    code = "EXCEED_REQUEST_LIMIT"
    error = "resource_exhausted"
    number = 8
    status = 429
