import { readFileSync } from 'node:fs'

/** Clock ticks a second in /proc/PID/stat; Linux has shown 100 to programs for decades. */
const TICKS = 100

/** CPU time that a process has used with all its threads, in µs; `undefined` where there is no /proc. */
export function cpuTime(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`)
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  if (!fields) return undefined
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS // utime and stime
}

/** Resident memory of a process, in bytes; `undefined` where there is no /proc. */
export function residentMemory(pid: number): number | undefined {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
