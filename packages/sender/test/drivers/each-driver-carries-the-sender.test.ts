import { drivers } from '@x/testkit/drivers'
import { senderContract } from './sender-contract.ts'

for (const driver of drivers) senderContract(driver)
