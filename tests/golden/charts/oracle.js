// node oracle.js FILE... : how scan-chart reads the drum part of each chart, one JSON object a line.
// Beside song.chart there may be song.chart.ini.json with the modifiers of song.ini.
const fs = require('fs')
const path = require('path')
const { parseChartFile, noteFlags, noteTypes } = require('scan-chart')

const lanes = {
  [noteTypes.kick]: 'kick',
  [noteTypes.redDrum]: 'red',
  [noteTypes.yellowDrum]: 'yellow',
  [noteTypes.blueDrum]: 'blue',
  [noteTypes.greenDrum]: 'green',
}
const flags = ['cymbal', 'accent', 'ghost', 'flam', 'doubleKick', 'disco']

for (const file of process.argv.slice(2)) {
  const ini = fs.existsSync(file + '.ini.json') ? JSON.parse(fs.readFileSync(file + '.ini.json')) : {}
  try {
    const chart = parseChartFile(fs.readFileSync(file), path.extname(file).slice(1), ini)
    const difficulties = {}
    for (const track of chart.trackData.filter(track => track.instrument === 'drums'))
      difficulties[track.difficulty] = track.noteEventGroups
        .flat()
        .map(note => [note.tick, note.msTime, note.length, lanes[note.type], ...flags.map(flag => (note.flags & noteFlags[flag] ? 1 : 0))])
    const drumType = ['four_lane', 'pro', 'five_lane'][chart.drumType ?? 0]
    console.log(JSON.stringify({ path: path.basename(file), resolution: chart.resolution, drum_type: drumType, ini, difficulties }))
  } catch (error) {
    console.log(JSON.stringify({ path: path.basename(file), ini, error: String(error) }))
  }
}
