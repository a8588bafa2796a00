import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks a second in /proc/PID/stat; Linux has shown 100 to programs for decades. */
const TICKS = 100

/** CPU time that a process has used with all its threads, in µs; `undefined` where there is no /proc. */
export function cpuTime(pid: number): number | undefined {
  const fields = statOf(pid)
  return fields && ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS // utime and stime
}

/** The same of the processes that it has started and that have ended. */
export function cpuTimeOfEnded(pid: number): number | undefined {
  const fields = statOf(pid)
  return fields && ((Number(fields[13]) + Number(fields[14])) * 1e6) / TICKS // cutime and cstime
}

/** `cpuTime` to the µs where the machine tells, of the threads that run: for what needs little. */
export function preciseCpuTime(pid: number): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    const times = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'))
    return times.reduce((sum, time) => sum + Number.parseInt(time) / 1000, 0)
  } catch {
    return cpuTime(pid)
  }
}

/** Resident memory of a process, in bytes; `undefined` where there is no /proc. */
export function residentMemory(pid: number): number | undefined {
  return sized(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? ''))
}

/** The same, with what it shares divided by those that share it (Pss); `undefined` where there is no smaps_rollup. */
export function proportionalMemory(pid: number): number | undefined {
  return sized(/^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? ''))
}

/** A process, first, and those that it has started and they have; itself alone where there is no /proc. */
export function family(pid: number): number[] {
  const children = Map.groupBy(runningPids(), (each) => Number(statOf(each)?.[1]))
  const of = (parent: number): number[] => [parent, ...(children.get(parent) ?? []).flatMap(of)]
  return of(pid)
}

function runningPids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger)
  } catch {
    return []
  }
}

/** What /proc/PID/stat has behind the name, which may contain anything. */
function statOf(pid: number): string[] | undefined {
  const stat = read(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function sized(found: RegExpExecArray | null): number | undefined {
  return found ? Number(found[1]) * 1024 : undefined
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
