// The list of renders, trainings and evaluations as the server tells it.

import * as api from "./api.js";
import { announce, toast } from "./dom.js";

export class Jobs extends EventTarget {
  constructor(events) {
    super();
    this.list = [];
    this.paused = false;
    events.listen("jobs", ({ jobs, paused }) => {
      this.list = jobs;
      this.paused = paused;
      this.dispatchEvent(new Event("change"));
    });
    events.listen("job", ({ job }) => {
      const place = this.list.findIndex((one) => one.id === job.id);
      const old = this.list[place];
      if (place >= 0) this.list = this.list.with(place, job);
      else this.list = [...this.list, job];
      if (old && old.state !== job.state && ["done", "failed"].includes(job.state)) {
        announce(`${job.title}: ${job.state}`);
        if (job.state === "failed") toast(`${job.title}: ${job.error?.what ?? "failed"}`, "error");
        else toast(`${job.title}: done`);
        this.dispatchEvent(new CustomEvent("finished", { detail: job }));
      }
      this.dispatchEvent(new Event("change"));
    });
  }

  get(id) {
    return this.list.find((job) => job.id === id) ?? null;
  }

  get active() {
    return this.list.filter((job) => ["waiting", "running", "paused"].includes(job.state));
  }

  /** Asks something of the server, and shows its refusal. */
  async tell(action) {
    try {
      const answer = await action();
      if (Array.isArray(answer?.jobs)) {
        this.list = answer.jobs;
        this.paused = answer.paused ?? this.paused;
        this.dispatchEvent(new Event("change"));
      }
      return answer;
    } catch (error) {
      toast(error.message, "error");
      return null;
    }
  }

  async refresh() {
    await this.tell(api.jobs);
  }
}
