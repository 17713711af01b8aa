// SPDX-License-Identifier: MIT
// A picture for a camera: black on a white plate, in dark mode too, with words for those who can't see it.
import { QRCode } from 'antd';

export function QrPlate({ value, size, label }: { value: string; size: number; label: string }) {
  return <div className="fb-plate"><QRCode type="svg" size={size} bordered={false} color="#000" bgColor="#fff" value={value} aria-label={label} /></div>;
}
