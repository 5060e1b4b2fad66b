import { android } from './android.ts';
import { androidEnterprise } from './android-enterprise.ts';
import { ios, macos } from './apple.ts';
import type { Platform, PlatformHabits } from './habits.ts';
import { windows } from './windows.ts';

/** The habits of every platform, by name. */
export const platforms: Readonly<Record<Platform, PlatformHabits>> = {
  windows,
  ios,
  macos,
  android,
  androidEnterprise,
};
