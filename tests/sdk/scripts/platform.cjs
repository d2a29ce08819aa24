// Functions and files, as every SDK spells them.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');

const NAMES = {
  'plain': 'folder/plain.txt',
  'spaces': 'folder/with spaces.txt',
  'Chinese': '目录/中文 名.txt',
  'marks': 'folder/a#b?c%d&e=f+g.txt',
  'quotes': "folder/it's (1) [2] {3}.txt",
};

function functions(sdk) {
  const call = (name, data) => sdk.call({ name, data });
  return [
    ['call', async () => (await call('sdk_echo', { a: 1, s: '中文', list: [null, true] })).result],
    ['call without data', async () => (await sdk.call({ name: 'sdk_echo' })).result],
    ['call a coroutine', async () => (await call('sdk_async', { n: 20 })).result],
    ['call for nothing', async () => (await call('sdk_nothing', {})).result],
    ['call for a text', async () => (await call('sdk_text', {})).result],
    ['call has a request id', async () => typeof sdk.requestId(await call('sdk_echo', {}))],
    ['call an unknown function', () => call('sdk_no_such', {})],
    ['call a function that raises', () => call('sdk_raises', { why: 'because' })],
    ['call with a long text', async () => (await call('sdk_echo', { s: 'x'.repeat(300000) })).result.s.length],
  ];
}

function files(sdk) {
  const content = Buffer.from([0, 1, 2, 255, 10, 13, 0x4e, 0x2d]);
  const long = Buffer.alloc(300000, 'a long file ');
  const streamed = () => {
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'sdk-')), 'stream.bin');
    fs.writeFileSync(file, long);
    return fs.createReadStream(file);
  };
  const around = async (cloudPath, content, fileContent = content) => {
    const { fileID } = await sdk.upload({ cloudPath, fileContent });
    const [temporary] = (await sdk.urls({ fileList: [fileID] })).fileList;
    const downloaded = await sdk.download({ fileID });
    const deleted = await sdk.remove({ fileList: [fileID] });
    const [after] = (await sdk.urls({ fileList: [fileID] })).fileList;
    return {
      path: fileID.split('/').slice(3).join('/'),
      hasUrl: /^http:\/\/127\.0\.0\.1/.test(temporary.tempFileURL),
      bytes: downloaded.fileContent.length,
      same: downloaded.fileContent.equals(content),
      deleted: deleted.fileList.map((each) => each.code || each.status),
      after: after.code || after.status,
    };
  };
  return [
    ...Object.entries(NAMES).map(([name, cloudPath]) => [
      'file with ' + name,
      () => around(sdk.prefix + cloudPath, content),
    ]),
    ['file from a stream', () => around(sdk.prefix + 'stream.bin', long, streamed())],
    ['empty file', () => around(sdk.prefix + 'empty.txt', Buffer.alloc(0))],
    ['file overwritten', async () => {
      const cloudPath = sdk.prefix + 'twice.txt';
      await sdk.upload({ cloudPath, fileContent: Buffer.from('first') });
      const { fileID } = await sdk.upload({ cloudPath, fileContent: Buffer.from('second') });
      return (await sdk.download({ fileID })).fileContent.toString();
    }],
    ['file with an age', async () => {
      const { fileID } = await sdk.upload({ cloudPath: sdk.prefix + 'age.txt', fileContent: content });
      return (await sdk.urls({ fileList: [{ fileID, maxAge: 60 }] })).fileList.map((each) => each.maxAge);
    }],
    ['download a missing file', () => sdk.download({ fileID: sdk.missing })],
    ['delete a missing file', async () => {
      const told = await sdk.remove({ fileList: [sdk.missing] });
      return told.fileList.map((each) => each.code || each.status);
    }],
    ['upload to a bad path', () => sdk.upload({ cloudPath: '/leading.txt', fileContent: content })],
    ['too many files', () => sdk.urls({ fileList: Array(51).fill(sdk.missing) })],
  ];
}

module.exports = (sdk) => {
  sdk.missing = `cloud://${process.env.TCB_ENV}.0000-${process.env.TCB_ENV}-0/no/such.txt`;
  return [...functions(sdk), ...files(sdk)];
};
