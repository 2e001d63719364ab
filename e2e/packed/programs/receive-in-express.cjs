const assert = require('node:assert/strict')
const { once } = require('node:events')
const { createReceiver, generateSecret } = require('@x/receiver')
const { webhook } = require('@x/receiver/express')
const { signedHeaders } = require('@x/receiver/testing')
const express = require('express')

async function main() {
  const secret = generateSecret()
  const receiver = createReceiver({ secrets: secret })
  const types = []
  receiver.on('*', (event) => {
    types.push(event.type)
  })
  const server = express().post('/hook', webhook(receiver)).listen(0)
  await once(server, 'listening')

  const body = JSON.stringify({ type: 'File.Create', timestamp: new Date().toISOString(), data: {} })
  const url = `http://127.0.0.1:${server.address().port}/hook`
  const response = await fetch(url, { method: 'POST', headers: signedHeaders({ secret, body }), body })
  assert.equal(response.status, 204)
  assert.deepEqual(types, ['File.Create'])
  server.close()
}

main()
