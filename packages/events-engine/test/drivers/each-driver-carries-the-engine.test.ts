import { drivers } from '@x/testkit/drivers'
import { engineContract } from './engine-contract.ts'

for (const driver of drivers) engineContract(driver)
