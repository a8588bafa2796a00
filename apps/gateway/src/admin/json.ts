import { Problem } from './problem.ts'

/** The value of a text. @throws Problem 400 for one that is no JSON, with the place. */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    const before = body.slice(0, soundLength(body)).split('\n')
    const place = `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`
    throw new Problem(400, `the body is no JSON: something is out of place at ${place}`)
  }
}

/** How much of the text could begin some JSON: V8 does not always tell where it stopped. */
function soundLength(body: string): number {
  let [sound, broken] = [0, body.length + 1]
  while (broken - sound > 1) {
    const middle = Math.floor((sound + broken) / 2)
    if (mayGoOn(body.slice(0, middle))) sound = middle
    else broken = middle
  }
  return sound
}

function mayGoOn(start: string): boolean {
  try {
    JSON.parse(start)
    return true
  } catch (error) {
    const { message } = error as Error
    const [, position] = /at position (\d+)/.exec(message) ?? []
    return position === undefined ? message.includes('end of JSON input') : Number(position) >= start.length
  }
}
