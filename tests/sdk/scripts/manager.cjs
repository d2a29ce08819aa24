'use strict'
// Calls of @cloudbase/manager-node as a deploy script makes them; writes what each came to as JSON.
// node --require REDIRECT manager.cjs MODULE PREFIX RESULT

const fs = require('fs')
const path = require('path')

const [module_, prefix, result] = process.argv.slice(2)
const loaded = require(module_)
const CloudBase = loaded.default || loaded
const manager = new CloudBase({
  secretId: process.env.TENCENTCLOUD_SECRETID,
  secretKey: process.env.TENCENTCLOUD_SECRETKEY,
  envId: process.env.TCB_ENV
})
const { database, env, functions, storage } = manager
const folder = fs.mkdtempSync(path.join(path.dirname(result), prefix))
const name = `${prefix}rooms`
const told = {}

const local = (file) => path.join(folder, file)
const job = async ({ JobId }) => (await database.migrateStatus(JobId)).Status
const index = (key, way, unique = false) => ({
  IndexName: `by_${key}`,
  MgoKeySchema: { MgoIndexKeys: [{ Name: key, Direction: way }], MgoIsUnique: unique }
})

const CASES = {
  listEnvs: async () => (await env.listEnvs()).EnvList.map((each) => each.EnvId),
  getEnvInfo: async () => (await env.getEnvInfo()).EnvInfo.EnvId,
  createCollection: async () => Object.keys(await database.createCollection(name)),
  createCollectionAgain: () => database.createCollection(name),
  createCollectionIfNotExists: async () => (await database.createCollectionIfNotExists(name)).IsCreated,
  updateCollection: async () => {
    await database.updateCollection(name, { CreateIndexes: [index('n', '-1', true), index('at', '2d')] })
    return (await database.checkIndexExists(name, 'by_at')).Exists
  },
  dropIndex: async () => {
    await database.updateCollection(name, { DropIndexes: [{ IndexName: 'by_at' }] })
    return (await database.describeCollection(name)).Indexes.map((each) => each.Name)
  },
  import: async () => {
    fs.writeFileSync(local('data.csv'), '_id,n\na,1\nb,2\n')
    const options = { StopOnError: true, ConflictMode: 'upsert' }
    return job(await database.import(name, { FilePath: local('data.csv') }, options))
  },
  export: async () => job(await database.export(name, { ObjectKey: `${prefix}out.json` }, { Fields: '_id,n' })),
  listCollections: async () => {
    const { Collections, Pager } = await database.listCollections({ MgoLimit: 100, MgoOffset: 0 })
    return [Collections.find((each) => each.CollectionName === name).Count, Pager.Limit]
  },
  flexdb: async () => {
    const Param = { TableName: name, Tag: 'any', MgoQuery: '{"n":2}' }
    return (await manager.commonService('flexdb').call({ Action: 'Query', Param })).Data
  },
  listFunctions: async () => (await functions.listFunctions()).map((each) => each.FunctionName),
  getFunctionDetail: async () => (await functions.getFunctionDetail('sdk_echo')).Status,
  getFunctionDetailNone: () => functions.getFunctionDetail('none'),
  invokeFunction: async () => (await functions.invokeFunction('sdk_echo', { a: '数' })).RetMsg,
  updateFunctionConfig: () => functions.updateFunctionConfig({ name: 'sdk_echo', timeout: 6 }),
  uploadFile: async () => {
    fs.writeFileSync(local('a.txt'), 'hello 你好')
    await storage.uploadFile({ localPath: local('a.txt'), cloudPath: `${prefix}/数 a.txt` })
    return (await storage.getFileInfo(`${prefix}/数 a.txt`)).Type
  },
  uploadLargeFile: async () => {
    fs.writeFileSync(local('big.bin'), Buffer.alloc(6 * 1024 * 1024, 'x1y2z'))
    await storage.uploadFile({ localPath: local('big.bin'), cloudPath: `${prefix}/big.bin` })
    await storage.downloadFile({ cloudPath: `${prefix}/big.bin`, localPath: local('back.bin') })
    return fs.readFileSync(local('back.bin')).equals(fs.readFileSync(local('big.bin')))
  },
  getTemporaryUrl: async () => {
    const [{ url }] = await storage.getTemporaryUrl([`${prefix}/数 a.txt`])
    return (await fetch(url)).text()
  },
  uploadDirectory: async () => {
    fs.mkdirSync(local('up/下 sub'), { recursive: true })
    fs.writeFileSync(local('up/a.txt'), 'a')
    fs.writeFileSync(local('up/下 sub/b.txt'), 'b')
    await storage.uploadDirectory({ localPath: local('up'), cloudPath: `${prefix}dir` })
    return (await storage.listDirectoryFiles(`${prefix}dir`)).map((each) => each.Key.slice(prefix.length))
  },
  downloadDirectory: async () => {
    fs.mkdirSync(local('down'))
    await storage.downloadDirectory({ cloudPath: `${prefix}dir`, localPath: local('down') })
    return fs.readFileSync(local('down/下 sub/b.txt'), 'utf8')
  },
  deleteFile: async () => {
    await storage.deleteFile([`${prefix}/数 a.txt`])
    return storage.getFileInfo(`${prefix}/数 a.txt`).catch((error) => error.statusCode)
  },
  deleteDirectory: async () => {
    await storage.deleteDirectory(`${prefix}dir`)
    return (await storage.listDirectoryFiles(`${prefix}dir`)).length
  },
  setStorageAcl: async () => {
    await storage.setStorageAcl('ADMINONLY')
    const after = await storage.getStorageAcl()
    await storage.setStorageAcl('READONLY')
    return after
  },
  createEndUser: async () => {
    const { User } = await manager.user.createEndUser({ username: `${prefix}ada`, password: 'Secret12!' })
    const { Users } = await manager.user.getEndUserList({ limit: 100, offset: 0 })
    await manager.user.deleteEndUsers({ userList: [User.UUId] })
    return [User.UserName.slice(prefix.length), Users.some((each) => each.UUId === User.UUId)]
  },
  hosting: async () => {
    const { hosting } = manager
    await hosting.uploadFiles({ localPath: local('up'), cloudPath: `${prefix}site` })
    const keys = (await hosting.listFiles()).map((each) => each.Key).filter((key) => key.startsWith(prefix))
    const page = await fetch(`${process.env.CLOUD_EMU_SITE_URL}/${prefix}site/a.txt`)
    await hosting.deleteFiles({ cloudPath: `${prefix}site`, isDir: true })
    return [(await hosting.getInfo())[0].Status, keys.length, await page.text()]
  },
  deleteCollection: async () => {
    await database.deleteCollection(name)
    return (await database.deleteCollection(name)).Exists
  },
  unsupported: () => env.createEnvDomain(['example.com'])
}

async function run () {
  for (const [each, call] of Object.entries(CASES)) {
    try {
      told[each] = await call()
    } catch (error) {
      told[each] = { code: error.code, message: error.message }
    }
  }
  fs.writeFileSync(result, JSON.stringify(told))
}

run()
