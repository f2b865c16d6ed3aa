import { boolean, struct, text } from '@wharf/base/decode';

export interface CheckpointCreateRequest {
  CheckpointID: string;
  CheckpointDir: string;
  Exit: boolean;
}

export const checkpointCreateRequest = struct<CheckpointCreateRequest>('CheckpointCreateRequest', {
  CheckpointID: text,
  CheckpointDir: text,
  Exit: boolean,
});
