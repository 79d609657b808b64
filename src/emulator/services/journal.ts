import type { RecordStepsRequest, RecordStepsResponse } from "../../gen/spheresim/emulator/v1/journal.js";
import { JournalServiceService } from "../../gen/spheresim/emulator/v1/journal_service.js";
import { serve } from "../../rpc/server.js";
import type { Journal } from "../journal.js";

/** Takes the recorded steps of every process. */
export function journalService(journal: Journal) {
  return serve(JournalServiceService, {
    recordSteps: async (requests: AsyncIterable<RecordStepsRequest>): Promise<RecordStepsResponse> => {
      let taken = 0;
      for await (const { records } of requests) {
        taken += journal.accept(records);
      }
      return { stored: taken };
    },
  });
}
