import { formatPlatform, normalizePlatform, type Platform } from '@wharf/oci/platform';
import { parsePlatform } from '../parse-platform.ts';
import { expandWord, type ShellLexOptions, type Variables } from '../shell-lex.ts';
import type { StageState } from './stage-state.ts';

/** `[linux/arm64 build 2/3] RUN make`: the next step of the stage, as progress shows it. */
export function nextStepName(
  stage: StageState,
  text: string,
  { multiPlatform, platform }: { multiPlatform: boolean; platform: Platform | undefined },
): string {
  if (stage.total === 0) return text;
  stage.index++;
  return stepName(stage, text, { multiPlatform, platform });
}

/** The same for the step that was counted last. */
export function stepName(
  stage: StageState,
  text: string,
  { multiPlatform, platform }: { multiPlatform: boolean; platform: Platform | undefined },
): string {
  if (stage.total === 0) return text;
  const where = [];
  if (multiPlatform && platform) where.push(formatPlatform(platform) + crossTarget(platform, stage.env));
  if (stage.displayName !== '') where.push(stage.displayName);
  where.push(`${String(stage.index).padStart(String(stage.total).length)}/${stage.total}`);
  return `[${where.join(' ')}] ${stage.inTrigger ? 'ONBUILD ' : ''}${text}`;
}

/** `->arm64` where a stage of the build platform makes something for another. */
function crossTarget(base: Platform, env: Variables): string {
  const target = targetOf(base, env);
  if (!target) return '';
  if (target.os !== base.os) return `->${formatPlatform(target)}`;
  if (target.architecture === base.architecture) return '';
  return `->${target.architecture}${target.variant ? `/${target.variant}` : ''}`;
}

function targetOf(base: Platform, env: Variables): Platform | undefined {
  const whole = env.get('TARGETPLATFORM');
  if (whole) return parsePlatform(whole);
  const [os, architecture, variant] = ['TARGETOS', 'TARGETARCH', 'TARGETVARIANT'].map((key) => env.get(key));
  if (os === undefined && architecture === undefined && variant === undefined) return undefined;
  return normalizePlatform({
    os: os || base.os,
    architecture: architecture || base.architecture,
    ...(variant ? { variant } : {}),
  });
}

/** The instruction with its variables replaced and its keyword in capitals. */
export function displayCommand(code: string, env: Variables, options: ShellLexOptions): string {
  let text = code;
  try {
    text = expandWord(code, env, options);
  } catch {
    // What cannot be expanded is shown as it stands.
  }
  return text.replace(/^\S+/, (keyword) => keyword.toUpperCase());
}
