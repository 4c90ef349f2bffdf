// What a picture is painted with, as the page keeps it, and as the server and the command line write it.

export const PROPERTIES = ["style", "strength", "canvas", "colour"]; // those that can change along the clip
export const LANE_NAMES = { style: "Style", strength: "Strength", canvas: "Canvas", colour: "Colours", region: "Places" };
const WRITTEN = { colour: "preserve-color.amount" }; // words of the command line, where they differ
const READ = { "preserve-color.amount": "colour" };
const COLOUR = "preserve-color";

let lastId = 0;
export const newId = () => `n${(lastId += 1)}`;

export function newLook(style = "") {
  return {
    style,
    mix: null, // {style, share}: a second style, and how much of it
    strength: 1,
    canvas: null, // as the style's card says
    seed: 0,
    stroke_size: null, // usual for the size of the frames
    colour: 0, // 0 the painting's colours, 1 the clip's
    colour_mode: "luminance",
    regions: [],
    keys: [],
    other: {}, // settings of a job file that the page has no control for; they are kept
  };
}

const rounded = (value, digits = 4) => Number(value.toFixed(digits));

/** The style as a word of the command line: a name, or a mix. */
export function styleWord(look) {
  if (!look.mix || look.mix.share <= 0 || look.mix.style === look.style) return look.style;
  if (look.mix.share >= 1) return look.mix.style;
  return `${look.style}:${rounded(1 - look.mix.share, 2)},${look.mix.style}:${rounded(look.mix.share, 2)}`;
}

/** The first style of a word of the command line, its mix ("a:0.7,b:0.3") or null. */
export function readStyle(word) {
  const parts = word.split(",").map((part) => part.split(":"));
  if (parts.length !== 2) return { style: word, mix: null };
  const [first, second] = parts.map(([name, share]) => ({ name: name.trim(), share: Number(share ?? 1) }));
  return { style: first.name, mix: { style: second.name, share: second.share / (first.share + second.share) } };
}

function writtenRegion(region, fps) {
  const written = { kind: region.kind };
  if (region.kind === "rectangle") {
    const words = (box) => box.map((share) => rounded(share, 3)).join(" ");
    written.box = region.moves.length
      ? region.moves.map((move) => `${rounded(move.frame / fps, 3)}s ${words(move.box)}`).join("; ")
      : words(region.box);
  }
  if (region.kind === "polygon" && region.points.length) written.points = region.points.flat().map((share) => rounded(share, 3)).join(" ");
  if (region.kind === "color") Object.assign(written, { color: region.color, within: region.within });
  if (region.feather !== null) written.feather = region.feather;
  if (region.invert) written.invert = true;
  if (region.use === "style") written.style = region.style;
  if (region.use === "strength") written.strength = region.strength;
  return { ...region.other, ...written };
}

function writtenKey(key) {
  const written = { at: `${key.frame}f`, [WRITTEN[key.property] ?? key.property]: key.value };
  if (key.ease > 0) Object.assign(written, { ease: rounded(key.ease, 2), curve: key.curve });
  if (key.snap) written.snap = true;
  return written;
}

/** The settings of a render, with nothing in it that is as usual anyway. */
export function toSettings(look, fps) {
  const { processors: others = [], ...settings } = { ...look.other };
  settings.style = styleWord(look);
  if (look.strength !== 1) settings.strength = look.strength;
  if (look.canvas !== null) settings.canvas = look.canvas;
  if (look.seed !== 0) settings.seed = look.seed;
  if (look.stroke_size !== null) settings.stroke_size = look.stroke_size;
  const chain = [...others];
  const changes = look.keys.some((key) => key.property === "colour");
  if (look.colour > 0 || changes) {
    const colour = { name: COLOUR, amount: look.colour };
    if (look.colour_mode !== "luminance") colour.mode = look.colour_mode;
    const place = chain.findIndex((step) => step.name === COLOUR);
    if (place >= 0) chain[place] = colour;
    else chain.unshift(colour);
  }
  if (chain.length) settings.processors = chain;
  const regions = look.regions.filter((region) => region.kind !== "polygon" || region.points.length > 2 || region.other.points);
  if (regions.length) settings.regions = regions.map((region) => writtenRegion(region, fps));
  if (look.keys.length) settings.timeline = [...look.keys].sort((a, b) => a.frame - b.frame).map(writtenKey);
  return settings;
}

const numbers = (text) => text.trim().split(/[\s,]+/).map(Number);
const seconds = (text) => text.replace(/s$/, "").split(":").reduce((sum, part) => sum * 60 + Number(part), 0);

/** Frame number of a time as job files write it: 12.5, "12.5s", "0:01:30" or "30f". */
export function frameOf(time, fps) {
  if (typeof time === "number") return Math.round(time * fps);
  const text = String(time).trim();
  return text.endsWith("f") ? Number(text.slice(0, -1)) : Math.round(seconds(text) * fps);
}

function readRegion(value, fps) {
  const { kind, box, points, color, within, feather, invert, style, strength, ...other } = value;
  const region = newRegion(kind);
  region.other = other;
  if (typeof points === "string" && points.includes(";")) region.other.points = points; // moves: kept as it is written
  if (typeof box === "string") {
    const parts = box.split(";").map((part) => part.trim()).filter(Boolean);
    const moves = parts.map((part) => {
      const words = part.replaceAll("/", " ").split(/\s+/);
      const timed = words.length > 4;
      return { frame: timed ? frameOf(words[0], fps) : 0, box: words.slice(timed ? 1 : 0).map(Number), timed };
    });
    region.box = moves[0].box;
    region.moves = moves.some((move) => move.timed) ? moves.map((move) => ({ frame: move.frame, box: move.box })) : [];
  }
  if (typeof points === "string" && !region.other.points) {
    const flat = numbers(points.replaceAll("/", " "));
    region.points = flat.reduce((pairs, share, place) => (place % 2 ? [...pairs.slice(0, -1), [pairs.at(-1)[0], share]] : [...pairs, [share, 0]]), []);
  }
  if (color !== undefined) region.color = color;
  if (within !== undefined) region.within = within;
  if (feather !== undefined) region.feather = feather;
  region.invert = Boolean(invert);
  if (style !== undefined) Object.assign(region, { use: "style", style });
  else if (strength !== undefined) Object.assign(region, { use: "strength", strength });
  return region;
}

/** A look of the settings of a job file or of a job. */
export function fromSettings(settings, fps) {
  const { style = "", strength = 1, canvas = null, seed = 0, stroke_size = null, preserve_color, processors = [], regions = [], timeline = [], ...other } = settings;
  const look = newLook();
  Object.assign(look, readStyle(style), { strength, canvas, seed, stroke_size });
  const colour = processors.find((step) => step.name === COLOUR);
  look.colour = colour ? (colour.amount ?? 1) : preserve_color ? 1 : 0;
  look.colour_mode = colour?.mode ?? "luminance";
  const unset = ["overwrite", "device", "precision"];
  look.other = Object.fromEntries(Object.entries(other).filter(([name, value]) => value !== null && !unset.includes(name)));
  const others = processors.filter((step) => step.name !== COLOUR);
  if (others.length) look.other.processors = others;
  look.regions = regions.map((region) => readRegion(region, fps));
  for (const { at, ease = 0, curve = "smooth", snap = false, ...changed } of timeline) {
    for (const [word, value] of Object.entries(changed)) {
      const property = READ[word] ?? word;
      look.keys.push({ id: newId(), frame: frameOf(at, fps), property, value, ease: Number(ease), curve, snap });
    }
  }
  return look;
}

export function newRegion(kind) {
  return {
    id: newId(),
    kind,
    use: "limit", // or "style" or "strength": painted otherwise
    style: "",
    strength: 0.3,
    invert: false,
    feather: null, // as the kind has it
    box: [0.3, 0.25, 0.7, 0.75],
    moves: [], // {frame, box}: a rectangle that moves in straight lines
    points: [],
    color: "#00b140",
    within: 20,
    other: {},
  };
}

/** The rectangle of a region at a frame, between its moves in straight lines. */
export function boxAt(region, frame) {
  const moves = region.moves;
  if (!moves.length) return region.box;
  const next = moves.findIndex((move) => move.frame >= frame);
  if (next === 0) return moves[0].box;
  if (next < 0) return moves.at(-1).box;
  const [from, to] = [moves[next - 1], moves[next]];
  const share = (frame - from.frame) / (to.frame - from.frame);
  return from.box.map((side, place) => side + (to.box[place] - side) * share);
}

/** Sets the rectangle of a region; of one that moves, at this frame. */
export function placeBox(region, frame, box) {
  if (!region.moves.length) return { ...region, box };
  const moves = [...region.moves.filter((move) => move.frame !== frame), { frame, box }].sort((a, b) => a.frame - b.frame);
  return { ...region, moves };
}

const CURVES = {
  linear: (share) => share,
  smooth: (share) => share * share * (3 - 2 * share),
  in: (share) => share * share,
  out: (share) => share * (2 - share),
};

/** The value of a number at a frame, as its key frames change it: for showing it; the server paints with its own. */
export function valueAt(look, property, frame, fps, usual) {
  let value = look[property] ?? usual;
  const keys = look.keys.filter((key) => key.property === property && key.frame <= frame).sort((a, b) => a.frame - b.frame);
  for (const key of keys) {
    if (typeof key.value !== "number") {
      value = key.value;
      continue;
    }
    const next = keys[keys.indexOf(key) + 1]?.frame ?? frame;
    const share = key.ease > 0 ? Math.min(1, (Math.min(next, frame) - key.frame) / (key.ease * fps)) : 1;
    value += (key.value - value) * CURVES[key.curve](share);
  }
  return value;
}
