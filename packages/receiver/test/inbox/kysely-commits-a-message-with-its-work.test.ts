import { describe } from 'vitest'
import { hosts } from './hosts/hosts.ts'
import { inboxContract } from './inbox-contract.ts'

const kinds = hosts.filter(({ name }) => name.startsWith('Kysely'))

describe.each(kinds)('an inbox of $name', (kind) => inboxContract(kind))
