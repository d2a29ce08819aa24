// Drives wx-server-sdk: node wx_server_sdk.cjs FOLDER_OF_THE_SDK PREFIX RESULT_FILE
// Only environment variables point it at the suite.
'use strict';

const [folder, prefix, file] = process.argv.slice(2);
const cloud = require(folder);
const { record } = require('./record.cjs');

cloud.init({ env: cloud.DYNAMIC_CURRENT_ENV });
const sdk = {
  prefix,
  db: cloud.database(),
  data: (data) => ({ data }),
  one: (answer) => answer.data,
  call: (options) => cloud.callFunction(options),
  requestId: (answer) => answer.requestID,
  upload: (options) => cloud.uploadFile(options),
  urls: (options) => cloud.getTempFileURL(options),
  download: (options) => cloud.downloadFile(options),
  remove: (options) => cloud.deleteFile(options),
};

record(
  [
    ...require('./database.cjs')(sdk),
    ...require('./platform.cjs')(sdk),
    ...require('./transactions.cjs')(sdk),
    ...require('./aggregate.cjs')(sdk),
    ['the context outside a function', () => cloud.getWXContext()],
  ],
  file,
);
