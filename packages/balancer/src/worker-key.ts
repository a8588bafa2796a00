/** What tells a worker from all others, in other lists and other processes too: its id and its URL. */
export function keyOf({ id, url }: { readonly id: string; readonly url: string | URL }): string {
  return `${id} ${typeof url === 'string' ? url : url.href}`
}
