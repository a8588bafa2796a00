import { messages, verifyWebSocket } from '../load/messages.ts'
import { underLoad } from '../processes/under-load.ts'
import { eachOnce, nginxAndHpm, type Scenario } from '../scenario.ts'

const CONNECTIONS = 64

export const websocket: Scenario = {
  name: 'websocket',
  title: 'WebSocket messages of 64 bytes and their echoes, 64 connections',
  figures: ['perSecond', 'p99', 'cpu', 'share', 'rss'],
  better: 'more',
  unit: 'message',
  backends: { count: 3, onlyFixed: false },
  contestants: (subjects) => eachOnce(subjects.filter(({ carries }) => carries.includes('websocket'))),
  against: nginxAndHpm,
  verify: (origin, { subject }) => verifyWebSocket(origin, subject.answersItself),
  warmUp: async ({ origin }) => void (await messages({ origin, connections: CONNECTIONS, seconds: 1 })),
  measure: ({ origin, pid }, seconds) =>
    underLoad(pid, () => messages({ origin, connections: CONNECTIONS, seconds })),
}
