import { android } from './android.ts';
import type { PlatformHabits } from './habits.ts';

/** Android Enterprise: the same client in the device policy controller, under another name. */
export const androidEnterprise: PlatformHabits = {
  ...android,
  userAgent: 'Dalvik/2.1.0 (Linux; U; Android 15; SM-S928B Build/AP3A.240905.015)',
};
