import process from 'node:process'
import { inject, it } from 'vitest'
import { installFromRegistry } from './registry.ts'

it('installs each package by its version', () => installFromRegistry(process.execPath, inject('consumer')))
