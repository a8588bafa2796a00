/** A listener for the errors of a connection whose end is seen anyway. */
export function ignore(): void {}
