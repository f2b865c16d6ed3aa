export interface ExecCreateRequest {
  User: string;
  Privileged: boolean;
  Tty: boolean;
  ConsoleSize: [height: number, width: number] | null;
  AttachStdin: boolean;
  AttachStdout: boolean;
  AttachStderr: boolean;
  DetachKeys: string;
  Env: string[] | null;
  WorkingDir: string;
  Cmd: string[] | null;
}

export interface ExecStartRequest {
  Detach: boolean;
  Tty: boolean;
  ConsoleSize: [height: number, width: number] | null;
}

export interface ExecInspect {
  ID: string;
  Running: boolean;
  /** `null` while it runs. */
  ExitCode: number | null;
  ProcessConfig: {
    tty: boolean;
    entrypoint: string;
    arguments: string[];
    privileged?: boolean;
    user?: string;
  };
  OpenStdin: boolean;
  OpenStderr: boolean;
  OpenStdout: boolean;
  CanRemove: boolean;
  ContainerID: string;
  /** Base64 of the key bytes. */
  DetachKeys: string;
  Pid: number;
}
