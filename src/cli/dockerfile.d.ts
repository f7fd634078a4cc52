/** A Dockerfile that is imported as text becomes a part of the bundled program. */
declare module '*/Dockerfile' {
  const text: string
  export default text
}
