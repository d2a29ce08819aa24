// Puts a file up, asks for its address, reads it back and removes it.
const cloud = require('wx-server-sdk')

cloud.init()

exports.main = async ({ cloudPath, text }) => {
  const { fileID } = await cloud.uploadFile({ cloudPath, fileContent: Buffer.from(text) })
  const { fileList: [{ tempFileURL }] } = await cloud.getTempFileURL({ fileList: [fileID] })
  const { fileContent } = await cloud.downloadFile({ fileID })
  await cloud.deleteFile({ fileList: [fileID] })
  return { fileID, text: fileContent.toString(), hasAddress: tempFileURL.startsWith('http') }
}
