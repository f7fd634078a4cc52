/**
 * Content that cannot be published, or not found, by the user's doing. The message is the user's: it names the thing and
 * the reason, and becomes the step's `statusReason`.
 */
export class RefusedContent extends Error {}
