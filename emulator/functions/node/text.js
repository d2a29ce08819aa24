'use strict'
// Owns how data become the text that is sent to the suite.
//
// Not here: who sends it (channel.js). The one idea: a text that was cut in the middle of an emoji
// ends in half a character, which is no text to anyone but JavaScript; it is sent as U+FFFD.

const write = JSON.stringify

// What is left of these escapes are halves: whole characters are written as they are.
const HALF = /(?<!\\)((?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g

/** Returns JSON, nothing for what JSON has no word for. */
function stringify (value) {
  const text = write(value)
  return text !== undefined && text.includes('\\ud') ? text.replace(HALF, '$1\ufffd') : text
}

module.exports = { stringify }
