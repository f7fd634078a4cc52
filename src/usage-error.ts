/** A mistake of the person who starts a command: shown as its message alone, without a stack. */
export class UsageError extends Error {}
