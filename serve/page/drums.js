// Lanes from cymbals down to kick with their keys, and the click sound of each drum.

export const LANES = [
  ["crash", "Crash", "crash", "c"],
  ["ride_bell", "Ride bell", "ride", "b"],
  ["ride_body", "Ride", "ride", "0"],
  ["hihat_pedal", "Pedal hat", "hihat", "9"],
  ["hihat_open", "Open hat", "hihat", "8"],
  ["hihat_closed", "Hi-hat", "hihat", "7"],
  ["tom_high", "High tom", "tom", "6"],
  ["tom_mid", "Mid tom", "tom", "5"],
  ["tom_floor", "Floor tom", "tom", "4"],
  ["snare_rim", "Rim", "snare", "3"],
  ["snare_head", "Snare", "snare", "2"],
  ["kick", "Kick", "kick", "1"],
].map(([label, title, drum, key]) => ({ label, title, drum, key }));

// Lane of labels that leave the articulation open.
const COMMONEST = { snare: "snare_head", tom: "tom_mid", hihat: "hihat_closed", ride: "ride_body", cymbal: "crash", tom_or_cymbal: "tom_mid" };

export function laneOf(label) {
  return COMMONEST[label] ?? label;
}

export const DRUMS = ["kick", "snare", "tom", "hihat", "ride", "crash"];

export function drumOf(label) {
  return laneOf(label).split("_")[0];
}

// [start of the tone Hz, its end Hz, share of noise, decay s]
const SOUNDS = {
  kick: [150, 50, 0.05, 0.09],
  snare: [330, 180, 0.6, 0.07],
  tom: [260, 120, 0.1, 0.09],
  hihat: [8000, 8000, 0.95, 0.025],
  ride: [3100, 3000, 0.3, 0.06],
  crash: [5200, 4800, 0.8, 0.14],
};

export function clicks(context) {
  const found = {};
  for (const [drum, [from, to, noise, decay]] of Object.entries(SOUNDS)) {
    const rate = context.sampleRate;
    const buffer = context.createBuffer(1, Math.ceil(rate * decay * 5), rate);
    const samples = buffer.getChannelData(0);
    let phase = 0;
    for (let n = 0; n < samples.length; n++) {
      const time = n / rate;
      phase += (2 * Math.PI * (to + (from - to) * Math.exp(-time / (decay / 3)))) / rate;
      const tone = Math.sin(phase) * (1 - noise) + (Math.random() * 2 - 1) * noise;
      samples[n] = tone * Math.exp(-time / decay) * Math.min(1, n / 20);
    }
    found[drum] = buffer;
  }
  return found;
}
