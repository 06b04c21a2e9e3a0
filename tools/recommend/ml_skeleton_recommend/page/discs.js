"use strict";
// discs painted pixel by pixel into an image: 60,000 take some milliseconds, also where the browser draws without a GPU
const discs = (() => {
  const PARTS = 4; // of a pixel that a disc may begin at, so that it does not jump from one to the next
  const SOLID = 128; // how much of a pixel a disc covers, at most
  const EDGE = 16; // pixels around the image, so that no disc has to be cut off
  const stamps = new Map();

  // the pixels of a disc, by what it begins at, as steps in the image, and how much of each it covers
  const stampsOf = (radius, stride) => {
    const key = `${radius} ${stride}`;
    if (!stamps.has(key)) {
      if (stamps.size > 40) stamps.clear();
      stamps.set(key, Array.from({ length: PARTS * PARTS }, (_, part) => {
        const [right, down] = [(part % PARTS + 0.5) / PARTS, (Math.floor(part / PARTS) + 0.5) / PARTS];
        const reach = Math.ceil(radius + 1), steps = [], cover = [];
        for (let y = -reach; y <= reach; y += 1) {
          for (let x = -reach; x <= reach; x += 1) {
            const inside = Math.min(1, radius + 0.5 - Math.hypot(x + 0.5 - right, y + 0.5 - down));
            if (inside > 0) { steps.push(y * stride + x); cover.push(inside); }
          }
        }
        return { steps: Int32Array.from(steps), cover };
      }));
    }
    return stamps.get(key);
  };

  const parsed = document.createElement("canvas").getContext("2d");
  const channels = (colour) => { // of any CSS colour
    parsed.fillStyle = colour;
    return [1, 3, 5].map((at) => parseInt(parsed.fillStyle.slice(at, at + 2), 16));
  };

  let image = null, pixels = null;
  // layers: rows, the colour and the opacity of each; across and down turn a place into pixels
  const paint = (context, paper, layers, places, radius, { scale, left, top }) => {
    const { width, height } = context.canvas, stride = width + 2 * EDGE;
    if (image?.width !== stride || image.height !== height + 2 * EDGE) {
      image = context.createImageData(stride, height + 2 * EDGE);
      pixels = new Uint32Array(image.data.buffer);
    }
    const packed = (colour) => { const [red, green, blue] = channels(colour); return [blue << 16 | red, green << 8]; };
    const [paperPair, paperGreen] = packed(paper);
    pixels.fill((0xff000000 | paperPair | paperGreen) >>> 0);
    const found = stampsOf(Math.round(4 * radius) / 4, stride);
    for (const { rows, colour, opacity } of layers) {
      const [pair, green] = packed(colour);
      const covers = found.map(({ cover }) => Int32Array.from(cover, (share) => Math.round(SOLID * share * opacity)));
      for (let at = 0; at < rows.length; at += 1) {
        const x = places[2 * rows[at]] * scale + left, y = top - places[2 * rows[at] + 1] * scale;
        const [column, line] = [Math.floor(x), Math.floor(y)];
        if (!(column > -EDGE / 2 && line > -EDGE / 2 && column < width + EDGE / 2 && line < height + EDGE / 2)) continue;
        const part = Math.floor((y - line) * PARTS) * PARTS + Math.floor((x - column) * PARTS);
        const { steps } = found[part], cover = covers[part], begin = (line + EDGE) * stride + column + EDGE;
        for (let step = 0; step < steps.length; step += 1) { // red and blue in one multiplication: they do not reach each other
          const pixel = begin + steps[step], share = cover[step], rest = SOLID - share, under = pixels[pixel];
          pixels[pixel] = 0xff000000 | (((under & 0xff00ff) * rest + pair * share) >> 7 & 0xff00ff)
            | (((under & 0xff00) * rest + green * share) >> 7 & 0xff00);
        }
      }
    }
    context.putImageData(image, -EDGE, -EDGE);
  };
  return { paint };
})();
