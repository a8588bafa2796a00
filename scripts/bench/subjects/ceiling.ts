import { openAnswers } from '../backends/answers.ts'
import type { Opened, Place, Subject } from '../subject.ts'

/** A Node server that only answers, without proxying: what no Node proxy can reach. */
export const ceiling: Subject = {
  name: 'ceiling',
  label: 'Node, answering itself',
  carries: ['websocket', 'tls'],
  start: { kind: 'script', file: import.meta.url },
  answersItself: true,
}

export function open(_place: Place): Opened {
  return openAnswers('itself')
}
