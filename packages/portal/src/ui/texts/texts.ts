import type { en } from './en.ts'

/** Every text of the pages: the English ones decide which there are. */
export type Texts = typeof en
