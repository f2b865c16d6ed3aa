/** A build that is under way or over. */
export interface BuildRecordSummary {
  Ref: string;
  Name: string;
  /** running, completed, error, canceled */
  Status: string;
  /** RFC 3339. */
  CreatedAt: string;
  CompletedAt?: string;
  /** The daemon's clock, by which a running build's duration is told. */
  Now: string;
  Frontend: string;
  FrontendAttrs: Record<string, string>;
  Exporters: { Type: string; Attrs: Record<string, string> }[];
  ExporterResponse: Record<string, string>;
  Error?: BuildRecordError;
  NumTotalSteps: number;
  NumCompletedSteps: number;
  NumCachedSteps: number;
  NumWarnings: number;
  Materials: { URI: string; Digest: string }[];
  Attachments: { Type: string; Digest: string }[];
  Pinned: boolean;
}

export interface BuildRecordError {
  /** gRPC's name of it: `Unknown`. */
  Name: string;
  Message: string;
  /** Digest of the step that failed. */
  Vertex?: string;
}

/** With what it was made of. */
export interface BuildRecordInspect extends BuildRecordSummary {
  Vertices: {
    Digest: string;
    Name: string;
    Inputs: string[];
    /** cached, ran, failed, canceled */
    Outcome: string;
    Started: string;
    Completed: string;
    Error?: string;
  }[];
}

/** Why each step of a build was cached or not. */
export interface BuildExplanation {
  Ref: string;
  Name: string;
  Status: string;
  /** The builds that it was compared with, the last one first. */
  ComparedWith: string[];
  Steps: BuildStepExplanation[];
}

export interface BuildStepExplanation {
  Digest: string;
  Name: string;
  Outcome: string;
  Milliseconds: number;
  /** One sentence each, the most telling first. */
  Reasons: { Kind: string; Text: string; Details: string[] }[];
  Error?: string;
}

/** Progress of a build as `buildx --progress rawjson` writes it; bytes are base64. */
export interface BuildStatus {
  vertexes?: {
    digest: string;
    inputs?: string[];
    name: string;
    started?: string;
    completed?: string;
    cached?: boolean;
    error?: string;
  }[];
  statuses?: {
    id: string;
    vertex: string;
    name?: string;
    total?: number;
    current: number;
    timestamp?: string;
    started?: string;
    completed?: string;
  }[];
  logs?: { vertex: string; stream?: number; data: string; timestamp?: string }[];
  warnings?: { vertex: string; level?: number; short: string; detail?: string[]; url?: string }[];
}
