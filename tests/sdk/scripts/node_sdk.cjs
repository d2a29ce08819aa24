// Drives @cloudbase/node-sdk: node node_sdk.cjs FOLDER_OF_THE_SDK PREFIX RESULT_FILE
// Only environment variables point it at the suite.
'use strict';

const [folder, prefix, file] = process.argv.slice(2);
const cloudbase = require(folder);
const { record } = require('./record.cjs');

const app = cloudbase.init({ env: cloudbase.SYMBOL_CURRENT_ENV });
const sdk = {
  prefix,
  db: app.database(),
  data: (data) => data,
  one: (answer) => answer.data[0],
  call: (options) => app.callFunction(options),
  requestId: (answer) => answer.requestId,
  upload: (options) => app.uploadFile(options),
  urls: (options) => app.getTempFileURL(options),
  download: (options) => app.downloadFile(options),
  remove: (options) => app.deleteFile(options),
};

record(
  [
    ...require('./database.cjs')(sdk),
    ...require('./platform.cjs')(sdk),
    ...require('./transactions.cjs')(sdk),
    ...require('./aggregate.cjs')(sdk),
  ],
  file,
);
