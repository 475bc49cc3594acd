/** What is made of a picture. */
import sharp from 'sharp';

const WATERMARK = Buffer.from(
  '<svg width="60" height="16"><text x="2" y="12" font-size="11" fill="white" fill-opacity="0.8">holdfast</text></svg>',
);

/** By the name of the folder that has the results: JPEG. */
export const operations = {
  thumbnails: (original: Buffer): Promise<Buffer> =>
    sharp(original).rotate().resize(200, 200, { fit: 'cover' }).jpeg().toBuffer(),
  watermarked: (original: Buffer): Promise<Buffer> =>
    sharp(original)
      .rotate()
      .resize(1_600, 1_600, { fit: 'inside', withoutEnlargement: true })
      .composite([{ input: WATERMARK, gravity: 'southeast', tile: false }])
      .jpeg()
      .toBuffer(),
};
