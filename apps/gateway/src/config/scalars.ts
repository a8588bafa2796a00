import { z } from 'zod'

/** What many keys of a config have for a value. */
export const count = z
  .int('is not a count; give a whole number of 1 or more')
  .min(1, 'is not a count; give a whole number of 1 or more')
const TEXT = 'is not a text; give one, in quotes if it looks like a number'
export const anyText = z.string(TEXT)
export const text = anyText.min(1, { error: 'says nothing; give a text that is not empty', abort: true })
export const flag = z.boolean('is neither true nor false; give one of them')
export const onOff = z.enum(['on', 'off'])
