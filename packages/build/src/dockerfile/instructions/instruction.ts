import type { Healthcheck } from '@wharf/oci/image-config';
import type { Heredoc } from '../parser/heredoc.ts';
import type { SourceRange } from '../source-error.ts';

interface Base {
  /** As it was typed. */
  readonly keyword: string;
  /** The line, joined. */
  readonly code: string;
  readonly ranges: readonly SourceRange[];
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

export interface ArgDeclaration {
  readonly key: string;
  readonly value: string | undefined;
  /** From the comment above: `# KEY what it is for`. */
  readonly comment: string;
}

/** A file whose content stands in the Dockerfile. */
export interface InlineFile {
  readonly path: string;
  readonly content: string;
  /** Variables in the content are replaced. */
  readonly expand: boolean;
}

export interface CopySources {
  readonly sources: readonly string[];
  readonly inline: readonly InlineFile[];
  readonly destination: string;
}

export interface CommandLine {
  readonly args: readonly string[];
  /** The args are one text for the shell. */
  readonly shell: boolean;
  readonly heredocs: readonly Heredoc[];
}

interface CopyLike extends Base, CopySources {
  readonly chown: string;
  readonly chmod: string;
  readonly link: boolean;
  readonly exclude: readonly string[];
}

export interface AddInstruction extends CopyLike {
  readonly kind: 'add';
  readonly keepGitDir: boolean | undefined;
  readonly checksum: string;
  readonly unpack: boolean | undefined;
}

export interface CopyInstruction extends CopyLike {
  readonly kind: 'copy';
  readonly from: string;
  readonly parents: boolean;
}

export interface RunInstruction extends Base, CommandLine {
  readonly kind: 'run';
  /** Not read yet: their values may hold variables. */
  readonly mounts: readonly string[];
  readonly network: 'default' | 'none' | 'host';
  readonly security: 'sandbox' | 'insecure';
  readonly devices: readonly string[];
}

export interface FromInstruction extends Base {
  readonly kind: 'from';
  readonly base: string;
  readonly name: string;
  readonly platform: string;
  readonly comment: string;
  /** `AS` as it was typed, with the name as it was typed. */
  readonly asKeyword: string;
  readonly typedName: string;
  readonly comments: readonly string[];
}

export type Instruction =
  | FromInstruction
  | AddInstruction
  | CopyInstruction
  | RunInstruction
  | (Base & { readonly kind: 'arg'; readonly args: readonly ArgDeclaration[]; readonly comments: readonly string[] })
  | (Base & { readonly kind: 'env'; readonly pairs: readonly KeyValue[]; readonly withoutEquals: boolean })
  | (Base & { readonly kind: 'label'; readonly pairs: readonly KeyValue[]; readonly withoutEquals: boolean })
  | (Base & { readonly kind: 'cmd' } & CommandLine)
  | (Base & { readonly kind: 'entrypoint' } & CommandLine)
  | (Base & { readonly kind: 'healthcheck'; readonly healthcheck: Healthcheck })
  | (Base & { readonly kind: 'expose'; readonly ports: readonly string[] })
  | (Base & { readonly kind: 'maintainer'; readonly maintainer: string })
  | (Base & { readonly kind: 'onbuild'; readonly trigger: string })
  | (Base & { readonly kind: 'shell'; readonly command: readonly string[] })
  | (Base & { readonly kind: 'stopsignal'; readonly signal: string })
  | (Base & { readonly kind: 'user'; readonly user: string })
  | (Base & { readonly kind: 'volume'; readonly paths: readonly string[] })
  | (Base & { readonly kind: 'workdir'; readonly path: string });

export type InstructionOf<Kind extends Instruction['kind']> = Extract<Instruction, { kind: Kind }>;
export type StageInstruction = Exclude<Instruction, FromInstruction>;

export interface Stage extends FromInstruction {
  readonly instructions: readonly StageInstruction[];
}

export interface Dockerfile {
  /** Before the first FROM. */
  readonly globalArgs: readonly InstructionOf<'arg'>[];
  readonly stages: readonly Stage[];
  readonly escapeToken: string;
}
