import type { HttpResponse } from '../http.ts'

/** 405 for a URL that takes other methods (RFC 9110 §15.5.6). */
export function methodNotAllowed(methods: readonly string[]): HttpResponse {
  const message = `This URL takes ${methods.join(' and ')}.`
  return {
    status: 405,
    headers: {
      'Content-Type': 'application/json',
      'x-amzn-ErrorType': 'MethodNotAllowedException',
      Allow: methods.join(', '),
    },
    body: JSON.stringify({ message }),
  }
}
