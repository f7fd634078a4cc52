/**
 * The closed catalogue of what the API answers besides success. The class carries the AWS code and the status;
 * whatever else is thrown is a bug and becomes InternalFailureException (contract/api-behaviour.md §1.3).
 */
export class ApiError extends Error {
  readonly code: string
  readonly status: number

  constructor(code: string, status: number, message: string) {
    super(message)
    this.code = code
    this.status = status
  }
}

const apiError = (code: string, status: number) =>
  class extends ApiError {
    constructor(message: string) {
      super(code, status, message)
    }
  }

export class BadRequestException extends apiError('BadRequestException', 400) {}
export class UnauthorizedException extends apiError('UnauthorizedException', 401) {}
export class MissingAuthenticationTokenException extends apiError(
  'MissingAuthenticationTokenException',
  403,
) {}
export class UnrecognizedClientException extends apiError('UnrecognizedClientException', 403) {}
/** Of temporary credentials whose time is over; clients then ask for new ones. */
export class ExpiredTokenException extends apiError('ExpiredTokenException', 403) {}
export class InvalidSignatureException extends apiError('InvalidSignatureException', 403) {}
/** The Authorization header or its query form lacks a part, or is of another kind than AWS4-HMAC-SHA256. */
export class IncompleteSignatureException extends apiError('IncompleteSignatureException', 403) {}
export class AccessDeniedException extends apiError('AccessDeniedException', 403) {}
export class NotFoundException extends apiError('NotFoundException', 404) {}
/** Method and path belong to no operation; the name is the one of Smithy's servers. */
export class UnknownOperationException extends apiError('UnknownOperationException', 404) {}
/** What tags answer for an unknown ARN; its body carries `code` as well. */
export class ResourceNotFoundException extends apiError('ResourceNotFoundException', 404) {}
export class RequestTimeoutException extends apiError('RequestTimeoutException', 408) {}
export class RequestTooLargeException extends apiError('RequestTooLargeException', 413) {}
/** Every client retries this one: only where AWS itself uses it (contract/api-behaviour.md §1.3). */
export class LimitExceededException extends apiError('LimitExceededException', 429) {}
export class InternalFailureException extends apiError('InternalFailureException', 500) {}
export class DependentServiceFailureException extends apiError('DependentServiceFailureException', 503) {}
