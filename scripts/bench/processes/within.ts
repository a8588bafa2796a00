import type { Launched } from './launch.ts'

/**
 * What a process prints, once it has ended by itself.
 * @throws Error when it takes longer than `seconds`; it is stopped then.
 */
export async function within(seconds: number, running: Launched): Promise<string> {
  let late = false
  const timer = setTimeout(() => {
    late = true
    void running.stop()
  }, seconds * 1000)
  try {
    return await running.result
  } catch (error) {
    throw late ? new Error(`${running.name} was not done after ${seconds} s`, { cause: error }) : error
  } finally {
    clearTimeout(timer)
  }
}
