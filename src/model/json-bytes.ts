/** How many bytes a value has as JSON in UTF-8. */
export const jsonBytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value))
