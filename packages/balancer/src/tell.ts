/** Tells listeners. What one throws is its own fault: seen as any other uncaught error, but the teller goes on. */
export function tell(emit: () => unknown): void {
  try {
    emit()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
