/** What backends answer, by path; `POST /post` is answered with the number of bytes that came. */
export const contents = {
  '/small': text(20),
  '/10k': text(10 * 1024),
  '/1m': text(1024 * 1024),
  '/health': text(3),
} as const satisfies Readonly<Record<string, string>>

/** The answer to a `POST /post` of so many bytes. */
export function receipt(bytes: number): string {
  return `${bytes} bytes came\n`
}

function text(bytes: number): string {
  const line = 'All work and no play makes a dull benchmark, said the load to the balancer.\n'
  return `${line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes - 1)}\n`
}
