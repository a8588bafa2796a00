import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import type { TestContext } from 'node:test'

/** Why a test of these programs is to be skipped; false where all are installed. `debian` is the package that has them. */
export function lacking(programs: readonly string[], debian: string): string | false {
  const missing = programs.filter((program) => spawnSync(program, ['--version']).error !== undefined)
  return missing.length > 0 && `${missing.join(', ')} not installed: apt-get install ${debian}`
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a program that is killed when the test is over, or the process. */
export function start(t: TestContext, program: string, args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { stdio: 'pipe' })
  const exit = once(child, 'exit').catch(() => {}) // it has never started
  running.add(child)
  t.after(async () => {
    child.kill('SIGKILL')
    await exit
    running.delete(child)
  })
  return child
}

/**
 * What a program says of its input, to the end, within 30 s.
 * @throws Error for another exit code than 0, with what it complained of.
 */
export async function run(
  t: TestContext,
  program: string,
  args: readonly string[],
  input: string | Buffer = '',
): Promise<Buffer> {
  const child = start(t, program, args)
  const { stdin, stdout, stderr } = child
  if (!stdin || !stdout || !stderr) throw new Error('its streams are pipes')
  stdin.on('error', () => {}).end(input)
  const closed = once(child, 'close', { signal: AbortSignal.timeout(30_000) })
  const [said, complaints, [code]] = await Promise.all([buffer(stdout), buffer(stderr), closed])
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}: ${complaints.toString()}`)
  return said
}
