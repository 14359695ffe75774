// Made from docs/reference/openapi.json. To make it again: UPDATE_DOCS=1 npm test -- deploy/open-api.spec.ts

export interface paths {
  '/asyncapi.json': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The AsyncAPI document of this process: what it publishes in Kafka */
    get: operations['readAsyncApi'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/health/live': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Whether the process answers */
    get: operations['isLive'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/health/ready': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Whether the process has caught up */
    get: operations['isReady'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/metrics': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Metrics of the process, for Prometheus */
    get: operations['readMetrics'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/openapi.json': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The OpenAPI document of this process */
    get: operations['readOpenApi'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/applied': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** How far the service has come; waits for the positions that are named */
    get: operations['showApplied'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/attention': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * List what needs a person, the most severe first, of these the newest
     * @description What is not known yet is in no item: `unknown` names it.
     */
    get: operations['listAttention'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/attention/{id}/take': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Take an item, so that the others know who does something about it
     * @description Sent again by its owner, it changes nothing.
     */
    post: operations['takeAttention'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/audit': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List commands, refused ones too, the newest first */
    get: operations['listAudit'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/check-in': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** What should this device do now? */
    post: operations['checkIn'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/check-ins': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** What should each of these devices do now? 1 to 1000, answered in their order; for gateways. */
    post: operations['checkInMany'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/clock': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Whose time it is, what the wall says, and whether it is believed */
    get: operations['showClock'];
    put?: never;
    /** Move a manual clock; answers when all that is done at the new time has been done */
    post: operations['setClock'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/clock/accept': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Believe the wall, if its difference is still the one that was shown
     * @description A second jump is not accepted unseen.
     */
    post: operations['acceptClock'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/dead-letters': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List parked events */
    get: operations['listDeadLetters'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/dead-letters/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Show a parked event */
    get: operations['showDeadLetter'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/dead-letters/{id}/discard': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Drop a parked event for good, and apply those behind it */
    post: operations['discardDeadLetter'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/dead-letters/{id}/retry': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Apply a parked event again, and then those behind it */
    post: operations['retryDeadLetter'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/devices': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List known devices */
    get: operations['listDevices'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/devices/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Show a device as its reports have it */
    get: operations['showDevice'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/devices/{id}/retire': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Say that a device will not be heard of again; a report of it makes it known anew */
    post: operations['retireDevice'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/devices/{id}/timeline': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * What was heard of a device, the newest first
     * @description Read from the store, by any instance, whoever owns the device.
     */
    get: operations['showDeviceTimeline'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/explain': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Why does this device get what it gets, by its last reports? Now, or as of an instant
     * @description Telemetry is asked for the device, for at most two seconds, of the past ten. What it does not know is listed under `unknown`, and where the answer hangs on that there is none.
     */
    get: operations['explainDevice'];
    put?: never;
    /** Why would a device that checks in like this get what it gets? Now, or as of an instant */
    post: operations['explainCheckIn'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/feed': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Read events: a page of them, or all and then live */
    get: operations['readFeed'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/fleet': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** How many devices there are, of what kind, and what they have */
    get: operations['showFleet'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/fleet/series': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * How a patch came into the fleet, and out of it, over time
     * @description The counts of all shards together, as of the ends of their health buckets.
     */
    get: operations['showFleetSeries'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/health': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** How a patch fares, as the gates hear it */
    get: operations['showHealth'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/holds': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List holds, now or as of an instant */
    get: operations['listHolds'];
    put?: never;
    /** Stop a patch, or all patches, for some devices or all */
    post: operations['placeHold'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/holds/{id}/lift': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** End a hold */
    post: operations['liftHold'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/imports': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Publish the patches of a public feed. An import only adds. */
    post: operations['importPatches'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/me': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Show who the token is, and what it may do */
    get: operations['showMe'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/patches': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List patches in the order of their versions */
    get: operations['listPatches'];
    put?: never;
    /** Publish a patch, or add models, variants, artifacts or CVEs to it */
    post: operations['publishPatch'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/patches/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Show a patch */
    get: operations['showPatch'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/patches/{id}/fold-in': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Record that a full release contains the patch */
    post: operations['foldInPatch'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/patches/{id}/pull': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Withdraw or recall a patch; without a body, withdraw it
     * @description A recall that re-opens exploited CVEs names the `ledgerDigest` that was seen, and takes two people: the first one's withdraws the patch at once and is kept as `requested`, another person's with the same digest makes it the recall. With `breakGlass` one person does it at once. A withdrawal needs nothing, ever.
     */
    post: operations['pullPatch'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/patches/{id}/re-exposure': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * What a recall of the patch re-opens
     * @description The first part of the re-exposure ledger: a recall names its `digest`. Who is hit is the second part, `GET /v1/recalls/{patchId}/preview`.
     */
    get: operations['showReExposure'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/recalls': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List recalls, now or as of an instant */
    get: operations['listRecalls'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/recalls/{patchId}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * How far the recall of a patch has burned down
     * @description Its numbers are null until all of the fleet has counted, and as of an instant.
     */
    get: operations['showRecall'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/recalls/{patchId}/pause': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Devices keep the patch until the recall is resumed
     * @description Ordered twice, it is paused once.
     */
    post: operations['pauseRecall'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/recalls/{patchId}/preview': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Whom a recall of the patch hits, or would hit
     * @description The second part of the re-exposure ledger. Telemetry is asked for it, within 2 seconds: what it does not answer is null, and refuses no recall.
     */
    get: operations['previewRecall'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/recalls/{patchId}/resume': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Direct devices to remove the patch again
     * @description After a pause by the gate only with the evidence that was seen: what fails from then on is counted anew.
     */
    post: operations['resumeRecall'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/recalls/{patchId}/timeline': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** How a recall has burnt down over time, and what happened to it */
    get: operations['showRecallTimeline'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/replays': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Fold everything again from the store and compare with the live read models, or check all receipts
     * @description With `receipts` each event is checked against its receipt, each receipt that an event names as its cause is looked for, and each verdict of a gate is computed again by its counts.
     */
    post: operations['startReplay'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/replays/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** How far a replay has come, and what it found */
    get: operations['showReplay'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/reports': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** What devices say happened, 1 to 1000 at once. Answered when durable and visible. */
    post: operations['sendReports'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/rollouts': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List rollouts, now or as of an instant */
    get: operations['listRollouts'];
    put?: never;
    /** Plan a rollout */
    post: operations['planRollout'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/rollouts/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Show a rollout: its plan, how far it has come, and what it waits for
     * @description As of an instant it has what is recorded: no counts of devices, and no ETag.
     */
    get: operations['showRollout'];
    /** Put another plan in place of the present one; nothing that was exposed is taken back */
    put: operations['replanRollout'];
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/rollouts/{id}/abort': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** End the rollout; devices keep what they have */
    post: operations['abortRollout'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/rollouts/{id}/advance': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** End ramp and bake of the open wave now, unless it waits or a gate says halt */
    post: operations['advanceRollout'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/rollouts/{id}/approve': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Approve the plan as it was seen; who planned it does not approve it
     * @description Approvals lapse when the plan changes: a rollout under way then widens no further until the new plan is approved. Approved twice by one person, it is approved once.
     */
    post: operations['approveRollout'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/rollouts/{id}/evidence': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Every test of a rollout as it is now, the strongest first, and what could have been seen */
    get: operations['showRolloutEvidence'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/rollouts/{id}/halt': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Stop because of harm; only an operator who names the evidence resumes */
    post: operations['haltRollout'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/rollouts/{id}/pause': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Give no more directives; the clocks of ramp and bake stand still */
    post: operations['pauseRollout'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/rollouts/{id}/preview': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Count who would get the patch: per wave and slice, of the devices known now */
    get: operations['previewRollout'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/rollouts/{id}/resume': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Go on after a pause or a halt */
    post: operations['resumeRollout'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/rollouts/{id}/start': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Start a planned rollout: its first wave opens */
    post: operations['startRollout'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/rollouts/{id}/timeline': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /**
     * Exposure planned and granted, outcomes and evidence over time, and what happened
     * @description Evidence is known where this process has judged, or something was decided on it; else it is null.
     */
    get: operations['showRolloutTimeline'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/stop': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Offer nothing to anybody until a person lifts it
     * @description Ordered twice, or by two people, it is one stop: the one that is in force answers.
     */
    post: operations['stopEverything'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/tokens': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List tokens, without their text */
    get: operations['listTokens'];
    put?: never;
    /** Make a token; its text is in the answer, and nowhere else */
    post: operations['issueToken'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/tokens/{id}': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post?: never;
    /** Revoke a token */
    delete: operations['revokeToken'];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/webhooks': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List the receivers of webhooks, without their secrets, and how they are */
    get: operations['listWebhooks'];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  '/v1/webhooks/test': {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Send a test to each receiver now, and say what each made of it */
    post: operations['testWebhooks'];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    AcceptClockBody: {
      /** @description The difference between the wall and the clock that was shown (seconds). */
      differenceSeconds: number;
    };
    AdvanceRolloutBody: {
      /** @description The open wave, which is to end. */
      wave: number;
      /** @description Why the wave ends early. */
      reason?: string;
      /** @description Why the wave goes on though it waits; shown for ever. */
      force?: components['schemas']['ReasonBody'];
    };
    Applied: {
      /** Format: date-time */
      now: string;
      /** @description The last position of the own store. */
      head: string;
      through: components['schemas']['ShardThrough'][];
      followers: components['schemas']['FollowerProgress'][];
    };
    ApprovalView: {
      /** @description The name of the token. */
      by: string;
      /** @description The revision of the rollout that was seen. */
      revision: number;
      /** Format: date-time */
      at: string;
    };
    ApprovalsView: {
      /** @description Who planned it, and so does not approve it; absent where that is unknown. */
      plannedBy?: string;
      needed: number;
      missing: number;
      given: components['schemas']['ApprovalView'][];
    };
    Artifact: {
      url: string;
      sha256: string;
      sizeBytes: number;
    };
    AttentionAbout: {
      rolloutId?: string;
      wave?: number;
      patchId?: string;
      holdId?: string;
      deviceId?: string;
      /** @description The service that is heard. */
      source?: string;
      /** @description The consumer that could not apply an event. */
      consumer?: string;
      /** @description The receiver of webhooks. */
      receiver?: string;
    };
    AttentionItem: {
      /** @description Names the cause: another cause of the same kind has another id. */
      id: string;
      kind: components['schemas']['AttentionKind'];
      /** @description The service that says so. */
      service: string;
      severity: components['schemas']['Severity'];
      about: components['schemas']['AttentionAbout'];
      /**
       * Format: date-time
       * @description Since when; null where nobody noted it.
       */
      since: string | null;
      /** @description What it is, with its numbers. */
      words: string;
      /** @description The command that ends it, or that shows what is behind it. */
      command: string;
      /** @description Who took it; null while nobody has. */
      owner: components['schemas']['AttentionOwner'] | null;
    };
    /** @enum {string} */
    AttentionKind:
      | 'rollout-halted'
      | 'rollout-waits'
      | 'hold-expires'
      | 'recall-stalled'
      | 'recall-paused'
      | 'recall-requested'
      | 'stale'
      | 'blind'
      | 'source-silent'
      | 'source-contradicts'
      | 'events-parked'
      | 'forged-records'
      | 'later-version'
      | 'stop-not-durable'
      | 'store-not-writable'
      | 'clock-unsound'
      | 'id-used-twice'
      | 'removals-stubborn'
      | 'webhook-failing'
      | 'webhook-gone';
    AttentionOwner: {
      /** @description The name of the token. */
      by: string;
      /** Format: date-time */
      at: string;
      note?: string;
    };
    AttentionPage: {
      items: components['schemas']['AttentionItem'][];
      /** @description Where the list goes on; absent on the last page. */
      nextCursor?: string;
      /** @description How many there are in all with this filter; null where that is not known. */
      total: number | null;
      unknown: components['schemas']['AttentionUnknown'][];
    };
    AttentionUnknown: {
      /** @description The service that cannot say it. */
      service: string;
      kinds: components['schemas']['AttentionKind'][];
      because: string;
    };
    Audience: {
      /**
       * @example [
       *       "iPhone"
       *     ]
       */
      family?: string[];
      /**
       * @example [
       *       "iPhone18,1"
       *     ]
       */
      model?: string[];
      /**
       * @example [
       *       "23D8133"
       *     ]
       */
      base?: string[];
    };
    AuditEntry: {
      /** @description Its place in the audit of this process. */
      number: number;
      /** Format: date-time */
      at: string;
      /** @description The name of the token; `unknown` without one. */
      actor: string;
      /** @description The id of the token; absent where it is a file. */
      tokenId?: string;
      /** @description The roles of the token. */
      roles: components['schemas']['TokenRole'][];
      /** @description The remote address, as this process sees it. */
      from: string;
      /** @description Method and path of the call; `*` for calls of several kinds. */
      operation: string;
      /** @description The id of what the command is about. */
      target?: string;
      /** @description The reason that was given, or its beginning. */
      reason?: string;
      /** @description `ok`, or the code of the error. */
      code: string;
      correlationId?: string;
      /** @description So many calls of this kind, within the minute before. */
      count?: number;
    };
    AuditPage: {
      items: components['schemas']['AuditEntry'][];
      /** @description Where the list goes on; absent on the last page. */
      nextCursor?: string;
      /** @description How many there are in all with this filter; null where that is not known. */
      total: number | null;
      /** @description Entries that could not be kept since the start, as the disk did not take them. */
      lost: number;
    };
    BreakGlass: {
      /** @description Why it is not left to a second person. */
      reason: string;
    };
    BrokenGlass: {
      /** @description Why it is not left to a second person. */
      reason: string;
      by: string;
    };
    ChangeView: {
      field: components['schemas']['ChangedField'];
      /** @description The patch, rollout or hold whose it is; null for the device itself, and for a new one. */
      of: string | null;
      /** @description Percent of an exposure or of a recall, number of a wave; else a word or a value. */
      to: unknown;
      /** @description Of an exposure: the wave. */
      wave?: number;
      /**
       * Format: date-time
       * @description When it comes by itself, if nothing stops it.
       */
      at?: string;
      words: string;
    };
    /** @enum {string} */
    ChangedField:
      | 'device.osBuild'
      | 'device.installed'
      | 'device.removed'
      | 'device.failed'
      | 'device.removeFailed'
      | 'device.ring'
      | 'device.track'
      | 'policy'
      | 'patch'
      | 'hold'
      | 'recall'
      | 'recall-share'
      | 'rollout'
      | 'wave'
      | 'hold-back'
      | 'exposure';
    CheckIn: {
      deviceId: string;
      /** @enum {unknown} */
      platform: 'ios' | 'macos' | 'visionos' | 'tvos' | 'watchos';
      model: string;
      osVersion: string;
      osBuild: string;
      supplementalBuild?: string;
      supplementalVersionExtra?: string;
      installed: string[];
      /** @enum {unknown} */
      track: 'automatic' | 'manual';
      ring?: string;
      region?: string;
      utcOffsetMinutes?: number;
      removed?: string[];
      failed?: {
        patchId: string;
        attempts: number;
      }[];
      removeFailed?: {
        patchId: string;
        attempts: number;
      }[];
    };
    CheckInAnswers: {
      answers: (
        | {
            /** @enum {unknown} */
            directive: 'install' | 'offer' | 'remove' | 'none';
            /** @enum {unknown} */
            reason:
              | 'recalled'
              | 'policy-stale'
              | 'no-patch'
              | 'no-rollout'
              | 'already-installed'
              | 'folded-in'
              | 'pulled'
              | 'on-hold'
              | 'recall-paused'
              | 'recall-ramp'
              | 'remove-failed-too-often'
              | 'rollout-paused'
              | 'rollout-aborted'
              | 'outside-audience'
              | 'hold-back'
              | 'beyond-exposure'
              | 'removed-by-user'
              | 'failed-too-often'
              | 'manual-track'
              | 'in-ring'
              | 'in-wave'
              | 'completed';
            patchId?: string;
            patchIds?: string[];
            rolloutId?: string;
            wave?: number;
            artifact?: {
              url: string;
              sha256: string;
              sizeBytes: number;
            };
            offer?: {
              patchId: string;
              rolloutId?: string;
              wave?: number;
              artifact?: {
                url: string;
                sha256: string;
                sizeBytes: number;
              };
            };
            updateTo?: string;
            lease: {
              expiresAt: string;
              recallEpoch: number;
            };
            nextCheckInSeconds: number;
          }
        | {
            index: number;
            /** @enum {unknown} */
            code: 'invalid-request' | 'device-forbidden';
            detail: string;
          }
      )[];
    };
    CheckInBatch: {
      devices: unknown[];
    };
    /**
     * @description Why the wall is not believed.
     * @enum {string}
     */
    ClockDoubt: 'jumped' | 'before-store' | 'long-after-store';
    /** @enum {string} */
    ClockKind: 'wall' | 'accelerated' | 'manual';
    ClockSet: {
      /** Format: date-time */
      now: string;
    };
    ClockView: {
      /** Format: date-time */
      now: string;
      kind: components['schemas']['ClockKind'];
      sound: boolean;
      /** @description By how much it is ahead of a wall that was set back, and is believed. */
      aheadSeconds?: number;
      /** @description Why the wall is not believed. */
      because?: components['schemas']['ClockDoubt'];
      /**
       * Format: date-time
       * @description What the wall says, where it is not believed.
       */
      wall?: string;
      /** @description By how much the wall differs, where it is not believed. */
      differenceSeconds?: number;
    };
    CouldHaveSeen: {
      trials: number;
      /** @description The smallest share of failing installs; null when they are too few. */
      failureRate: number | null;
      harm: components['schemas']['CouldHaveSeenHarm'][];
      /** @description Whether devices are left outside, against which incidents can be judged. */
      hasControl: boolean;
    };
    CouldHaveSeenHarm: {
      signal: string;
      /** @description Incidents of devices without the patch. */
      control: number;
      /** @description How many times as often; null where that is nothing up to 100. */
      ratio: number | null;
    };
    CouldSee: {
      /** @description The smallest failure rate; null where that is none. */
      failureRate?: number | null;
      /** @description Of a signal of harm: the smallest ratio of exposed devices to the others; null where that is none up to 100. */
      ratio?: number | null;
    };
    Cve: {
      /** @example CVE-2026-20643 */
      id: string;
      /** @description Whether it is known to be exploited. */
      exploited: boolean;
    };
    DeadLetterDetails: {
      /** @description `<consumer>/<stream>/<revision>/<index>` */
      id: string;
      consumer: string;
      type: string;
      stream: string;
      revision: number;
      index: number;
      time: string;
      /** @description Why it could not be applied; absent for one that waits behind another. */
      reason?: string;
      event: components['schemas']['ParkedEvent'];
    };
    DeadLetterView: {
      /** @description `<consumer>/<stream>/<revision>/<index>` */
      id: string;
      consumer: string;
      type: string;
      stream: string;
      revision: number;
      index: number;
      time: string;
      /** @description Why it could not be applied; absent for one that waits behind another. */
      reason?: string;
    };
    DeadLetters: {
      items: components['schemas']['DeadLetterView'][];
      /** @description Where the list goes on; absent on the last page. */
      nextCursor?: string;
      /** @description How many there are in all with this filter; null where that is not known. */
      total: number | null;
    };
    DeviceFact: {
      /**
       * Format: date-time
       * @description When it was recorded, which is what `at` of other calls goes by.
       */
      recordedAt: string;
      /**
       * Format: date-time
       * @description When it happened, by the clock of the device.
       */
      occurredAt: string;
      kind: components['schemas']['FactKind'];
      patchId?: string;
      rolloutId?: string;
      cause?: components['schemas']['RemovalCause'];
      signal?: string;
      failureCode?: string;
      detail?: string;
      osVersion?: string;
      osBuild?: string;
      model?: string;
      track?: components['schemas']['Track'];
      ring?: string;
      region?: string;
      /** @description The clock of the device was ahead. */
      clockAhead?: boolean;
    };
    /** @enum {string} */
    DeviceFlag: 'clock-ahead' | 'clock-behind' | 'id-used-twice';
    DevicePage: {
      items: components['schemas']['DeviceView'][];
      /** @description Where the list goes on; absent on the last page. */
      nextCursor?: string;
      /** @description How many there are in all with this filter; null where that is not known. */
      total: number | null;
    };
    DevicePatch: {
      state: components['schemas']['PatchState'];
      /**
       * Format: date-time
       * @description Of a holder, when it last showed its build; else when it last said so.
       */
      at: string;
      /** @description Why it counts as a holder: it runs the build, or says so and has yet to restart. */
      by?: components['schemas']['HeldBy'];
      /** @description What the device called its last failure; null when it gave no code. */
      failureCode: string | null;
      /** @description Of one that is rolled back: why, as the device said; null when it did not say. */
      cause?: components['schemas']['RemovalCause'] | null;
      /** @description Present when there were any. */
      failedInstalls?: number;
      /** @description Present when there were any. */
      failedRemovals?: number;
      /**
       * Format: date-time
       * @description When the device last failed to install or to remove it.
       */
      lastFailureAt?: string;
    };
    /**
     * @description How the device is known, or why it is not.
     * @enum {string}
     */
    DeviceSource: 'reports' | 'check-in' | 'never-reported' | 'no-answer';
    DeviceTimeline: {
      items: components['schemas']['DeviceFact'][];
      /** @description Where the list goes on; absent on the last page. */
      nextCursor?: string;
      /** @description How many there are in all with this filter; null where that is not known. */
      total: number | null;
    };
    DeviceView: {
      deviceId: string;
      platform: components['schemas']['Platform'];
      model: string;
      osVersion: string;
      osBuild: string;
      track: components['schemas']['Track'];
      ring?: string;
      region?: string;
      /** @description The prerequisite of the patch whose build the device shows, else that build. */
      base: string;
      /** Format: date-time */
      lastReportAt: string;
      /**
       * Format: date-time
       * @description Present when the device was retired and has not reported since.
       */
      retiredAt?: string;
      /** @description What is odd about it. */
      flags?: components['schemas']['DeviceFlag'][];
      patches: {
        [key: string]: components['schemas']['DevicePatch'];
      };
    };
    Directive: {
      /** @enum {unknown} */
      directive: 'install' | 'offer' | 'remove' | 'none';
      /** @enum {unknown} */
      reason:
        | 'recalled'
        | 'policy-stale'
        | 'no-patch'
        | 'no-rollout'
        | 'already-installed'
        | 'folded-in'
        | 'pulled'
        | 'on-hold'
        | 'recall-paused'
        | 'recall-ramp'
        | 'remove-failed-too-often'
        | 'rollout-paused'
        | 'rollout-aborted'
        | 'outside-audience'
        | 'hold-back'
        | 'beyond-exposure'
        | 'removed-by-user'
        | 'failed-too-often'
        | 'manual-track'
        | 'in-ring'
        | 'in-wave'
        | 'completed';
      patchId?: string;
      patchIds?: string[];
      rolloutId?: string;
      wave?: number;
      artifact?: {
        url: string;
        sha256: string;
        sizeBytes: number;
      };
      offer?: {
        patchId: string;
        rolloutId?: string;
        wave?: number;
        artifact?: {
          url: string;
          sha256: string;
          sizeBytes: number;
        };
      };
      updateTo?: string;
      lease: {
        expiresAt: string;
        recallEpoch: number;
      };
      nextCheckInSeconds: number;
    };
    EvidenceBody: {
      /** @description What was looked at; needed after a halt. */
      evidenceSeen?: string;
    };
    /** @enum {string} */
    EvidenceLevel: 'all' | 'family' | 'model' | 'slice';
    EvidenceOfTest: {
      test: string;
      level: components['schemas']['EvidenceLevel'];
      /** @description The family, the model, or model and base. */
      of?: string;
      /** @description Of a signal of harm: devices with an incident. */
      trials: number;
      /** @description Of a signal of harm: those of them that were exposed. */
      failures: number;
      /** @description Of a signal of harm: the share of them that chance would give. */
      toleratedRate: number;
      /** @description The natural logarithm of E. */
      logE: number | null;
      /** @description Null beyond the range of numbers. */
      e: number | null;
      /** @description Its part of the one alpha. */
      weight: number;
      /** @description Its part of the sum, from 0 to 1. */
      share: number;
      couldSee: components['schemas']['CouldSee'];
    };
    /**
     * @description What follows from it; unknown while not all of the health is read.
     * @enum {string}
     */
    EvidenceSays: 'go' | 'wait' | 'hold' | 'halt' | 'unknown';
    ExplainBody: {
      deviceId: string;
      platform: components['schemas']['Platform'];
      model: string;
      osVersion: string;
      osBuild: string;
      supplementalBuild?: string;
      supplementalVersionExtra?: string;
      installed: string[];
      track: components['schemas']['Track'];
      ring?: string;
      region?: string;
      utcOffsetMinutes?: number;
      removed?: string[];
      failed?: components['schemas']['PatchAttempts'][];
      removeFailed?: components['schemas']['PatchAttempts'][];
      /** @description What becomes of this patch on the device; its whole answer if not given. */
      patchId?: string;
      /**
       * Format: date-time
       * @description As of this instant, in recorded time; now if not given.
       */
      at?: string;
    };
    ExplainedDevice: {
      deviceId: string;
      platform: components['schemas']['Platform'];
      model: string;
      osVersion?: string;
      /** @description With a patch, the patch's own. */
      osBuild: string;
      track: components['schemas']['Track'];
      /** @description Absent where it named none. */
      ring?: string;
      installed: string[];
      /** @description What its user removed. */
      removed: string[];
      failed: components['schemas']['PatchAttempts'][];
      /** @description Within the last 24 hours. */
      removeFailed: components['schemas']['PatchAttempts'][];
      /**
       * Format: date-time
       * @description Of a device that is known by its reports.
       */
      lastReportAt?: string;
      /**
       * Format: date-time
       * @description Present when it was retired and has not reported since.
       */
      retiredAt?: string;
    };
    /** @enum {string} */
    ExplainedReason:
      | 'recalled'
      | 'policy-stale'
      | 'no-patch'
      | 'no-rollout'
      | 'already-installed'
      | 'folded-in'
      | 'pulled'
      | 'on-hold'
      | 'recall-paused'
      | 'recall-ramp'
      | 'remove-failed-too-often'
      | 'rollout-paused'
      | 'rollout-aborted'
      | 'outside-audience'
      | 'hold-back'
      | 'beyond-exposure'
      | 'removed-by-user'
      | 'failed-too-often'
      | 'manual-track'
      | 'in-ring'
      | 'in-wave'
      | 'completed'
      | 'superseded';
    ExplanationView: {
      deviceId: string;
      /**
       * Format: date-time
       * @description The instant that is explained.
       */
      asOf: string;
      /** @description Of the past: where the own streams were read through. */
      position?: string | null;
      /** @description How the device is known, or why it is not. */
      deviceBy: components['schemas']['DeviceSource'];
      device: components['schemas']['ExplainedDevice'] | null;
      /** @description Null where it hangs on something that nobody knows. */
      directive: components['schemas']['Directive'] | null;
      /** @description The patch that the rules are about. */
      patchId: string | null;
      reason: components['schemas']['ExplainedReason'] | null;
      decidedBy: components['schemas']['RuleCode'] | null;
      /** @description All, in the order of looking. */
      rules: components['schemas']['RuleView'][];
      /** @description What would change the answer, all of it together; empty where nothing does. */
      changes: components['schemas']['ChangeView'][];
      /** @description The answer and what would change it, for people. */
      words: string;
      /** @description What could not be judged. */
      unknown: components['schemas']['OpenRuleView'][];
      /** @description The other patches for its model and base. */
      others: components['schemas']['OtherPatchView'][];
    };
    /** @enum {string} */
    FactKind:
      | 'DeviceObserved'
      | 'DeviceRetired'
      | 'InstallStarted'
      | 'PatchInstalled'
      | 'PatchInstallFailed'
      | 'PatchRolledBack'
      | 'PatchRemoveStarted'
      | 'PatchRemoveFailed'
      | 'IncidentReported';
    FallingBuild: {
      build: string;
      base: string;
      models: string[];
    };
    FallingPatch: {
      patchId: string;
      letter: string;
    };
    FeedEventView: {
      /** @description The service that owns it. */
      source: string;
      type: string;
      stream: string;
      place: components['schemas']['StreamPlaceView'];
      /** @description The public event before it in its stream; absent for the first. */
      previous?: components['schemas']['StreamPlaceView'];
      /** @description Of the commit. Another id at the same place is another past. */
      commitId: string;
      /** @description Of its commit; events of one commit share it. */
      position: string;
      /**
       * Format: date-time
       * @description When it was recorded.
       */
      time: string;
      actor: string;
      correlationId: string;
      causationId?: string;
      /** @description W3C trace context of the step that appended it, where that is traced. */
      traceparent?: string;
      /** @description As the AsyncAPI document has it, by `type`. */
      data: unknown;
    };
    /** @enum {string} */
    FeedOrder: 'oldest' | 'newest';
    FeedPage: {
      events: components['schemas']['FeedEventView'][];
      /** @description Where to go on: the next `from`. */
      next: string;
      /** @description True when there is no more in this direction now. */
      caughtUp: boolean;
      signs: components['schemas']['SourceSignsView'];
    };
    FeedStreamPage: {
      events: components['schemas']['FeedEventView'][];
      /** @description The next `fromRevision`; absent at the end of the stream. */
      next?: number;
    };
    FleetSeries: {
      patchId: string;
      /**
       * Format: date-time
       * @description The end of the latest bucket that told of the patch; null when none did.
       */
      through: string | null;
      /** @description Seconds between two points; the older the patch is in the fleet, the more. The last may follow sooner. */
      stepSeconds: number | null;
      points: components['schemas']['SeriesPoint'][] | null;
    };
    FleetView: {
      /** Format: date-time */
      asOf: string;
      position: string;
      /** @description Reports ever accepted. */
      facts: number;
      /** @description Known devices. */
      devices: number;
      byPlatform: {
        [key: string]: number;
      };
      byBase: {
        [key: string]: number;
      };
      patches: {
        [key: string]: components['schemas']['StateCounts'];
      };
      /** @description Present when the sum is not over all shards. */
      shards?: components['schemas']['ShardCover'];
    };
    FoldInPatchBody: {
      /** @example 26.4 */
      version: string;
      /** @example 23E246 */
      build: string;
    };
    FoldedInto: {
      /** @example 26.4 */
      version: string;
      /** @example 23E246 */
      build: string;
      /** Format: date-time */
      at: string;
    };
    FollowerProgress: {
      name: string;
      /** @description The service that it follows, or `own`. */
      source: string;
      position: string;
      caughtUp: boolean;
    };
    ForcedWave: {
      wave: number;
      reason: string;
    };
    FreedByCause: {
      recall: number;
      user: number;
      failure: number;
      unknown: number;
    };
    GateHold: {
      holdId: string;
      model: string;
      base: string;
      reason: string;
    };
    Gates: {
      /** @description Share of installs that may fail, above 0 and at most 0.5. */
      installFailureRateMax: number;
      /**
       * @description Share of installs that may be without any outcome after 4 h.
       * @default 0.02
       */
      outcomeMissingRateMax?: number;
      /**
       * @description Share of installs that may be removed by the user within 72 h.
       * @default 0.05
       */
      removedByUserRateMax?: number;
      /**
       * @description Hours after which an install that is fine makes room for others.
       * @default 1
       */
      maturityHours?: number;
      /**
       * @description Hours after which an outcome is due. Other hours are not counted yet: only 4 is taken.
       * @default 4
       */
      outcomeHours?: number;
      /**
       * @description With `time` waves ask for nothing but time: no outcome is waited for.
       * @default evidence
       */
      goOn?: components['schemas']['GoOn'];
      /**
       * @description Hours after the completion until the hold-back is let in, too.
       * @default 72
       */
      watchHours?: number;
    };
    /**
     * @description With `time` waves ask for nothing but time: no outcome is waited for.
     * @enum {string}
     */
    GoOn: 'evidence' | 'time';
    HaltedBecause: {
      by: components['schemas']['HaltedBy'];
      reason: string;
      evidence?: components['schemas']['SumEvidence'] | components['schemas']['InstallEvidence'];
    };
    /** @enum {string} */
    HaltedBy: 'gate' | 'responder';
    HealthCell: {
      patchId: string;
      platform: components['schemas']['Platform'];
      model: string;
      base: string;
      trials: number;
      failures: number;
      fine: number;
      /** @description Failures without a start whose deadline still runs. */
      pending: number;
    };
    HealthKnown: {
      /** @description Known recently enough to widen. */
      isCurrent: boolean;
      /**
       * Format: date-time
       * @description The instant up to which it is known in all shards; null while it is of some.
       */
      through: string | null;
      /** @description Why it is not current. */
      words?: string;
    };
    /**
     * @description Why it counts as a holder: it runs the build, or says so and has yet to restart.
     * @enum {string}
     */
    HeldBy: 'build' | 'report';
    HoldBack: {
      status: components['schemas']['HoldBackStatus'];
      /** Format: date-time */
      until?: string;
      note?: string;
    };
    /** @enum {string} */
    HoldBackStatus: 'kept' | 'released';
    /** @enum {string} */
    HoldNote: 'covers-no-known-device';
    HoldPage: {
      items: components['schemas']['HoldView'][];
      /** @description Where the list goes on; absent on the last page. */
      nextCursor?: string;
      /** @description How many there are in all with this filter; null where that is not known. */
      total: number | null;
    };
    /** @enum {string} */
    HoldStatus: 'active' | 'lifted' | 'expired';
    HoldView: {
      holdId: string;
      status: components['schemas']['HoldStatus'];
      /** @description Absent where it is for every patch. */
      patchId?: string;
      /** @description Empty where it is for all devices. */
      slice: components['schemas']['Audience'];
      reason: string;
      /** @description Who placed it: a name, or `gate`. */
      owner: string;
      url?: string;
      /** Format: date-time */
      expiresAt?: string;
      /** @description Of a hold on everything: removals of recalled patches stop as well. */
      removals?: boolean;
      /** @description What a gate held the slice for. */
      evidence?: components['schemas']['SumEvidence'];
      /** Format: date-time */
      placedAt: string;
      /** @description What its ETag has; absent while it is in force without being stored. */
      revision?: number;
      /** Format: date-time */
      liftedAt?: string;
      liftedBecause?: string;
    };
    HolderTotals: {
      holders: number;
      removed: number;
      removalsFailed: number;
    };
    HoldersByLastReport: {
      /** @description Heard of within a day. */
      withinDay: number;
      /** @description Not within a day, but within a week. */
      withinWeek: number;
      longer: number;
    };
    HoldersByTrack: {
      automatic: number;
      manual: number;
    };
    HoldersOfModel: {
      model: string;
      devices: number;
    };
    ImportEntry: {
      /** @description Absent only where the row is refused because it names none. */
      patchId?: string;
      source: components['schemas']['ImportSource'];
      /** @description Where refused or conflicting: a stable code. */
      reason?: string;
      /** @description Where refused or conflicting: the same in words. */
      detail?: string;
      /** @description Worth knowing, and no fault. */
      notes?: components['schemas']['ImportNote'][];
    };
    ImportNote: {
      /**
       * @description A stable code.
       * @example devices-without-model
       */
      code: string;
      detail: string;
    };
    ImportReport: {
      format: string;
      dryRun: boolean;
      published: components['schemas']['ImportEntry'][];
      /** @description Something was added to a patch that was there. */
      amended: components['schemas']['ImportEntry'][];
      unchanged: components['schemas']['ImportEntry'][];
      /** @description The file contradicts what is there. Nothing of it was applied. */
      conflicting: components['schemas']['ImportEntry'][];
      /** @description Rows that name no patch, or break the rules of POST /v1/patches. */
      refused: components['schemas']['ImportEntry'][];
      /** @description Full releases in the file. */
      notPatches: number;
    };
    ImportSource: {
      /** @description `source` of the query, or "body". */
      file: string;
      /** @description JSON Pointer into the file. */
      row: string;
      /** @description Further entries of the file that are variants of the same patch. */
      otherRows?: string[];
    };
    InstallEvidence: {
      rule: string;
      patchId: string;
      slice: {
        /** @enum {unknown} */
        platform: 'ios' | 'macos' | 'visionos' | 'tvos' | 'watchos';
        model: string;
        base: string;
      };
      trials: number;
      failures: number;
      toleratedRate: number;
      logE: number;
      logThreshold: number;
      hypotheses: number;
      alpha: number;
      since: string;
      through: string;
    };
    IssueTokenBody: {
      /**
       * @description Who or what uses the token; the actor of its commands.
       * @example gateway-7
       */
      name: string;
      /** @description What it may do. A device token is bound to devices; a gateway speaks for any device. */
      roles: components['schemas']['TokenRole'][];
      /** @description A device token that speaks for this device only. */
      deviceId?: string;
      /** @description A device token that speaks for all devices whose id starts so. */
      devicePrefix?: string;
      /**
       * Format: date-time
       * @description From then on it is refused.
       */
      expiresAt?: string;
    };
    IssuedToken: {
      /** @description The token. It is shown here once, and kept nowhere. */
      token: string;
      info: components['schemas']['TokenView'];
    };
    LedgerFullRelease: {
      version: string;
      build: string;
    };
    LedgerReplacement: {
      /** @description By the pull; null while none is. */
      named: string | null;
      /** @description Patches of a later letter for the same base and models that were not pulled. */
      available: components['schemas']['PossibleReplacement'][];
    };
    Liveness: {
      status: components['schemas']['Ok'];
    };
    MayBeReplaced: {
      /** @description Holders for whose base and model there is a replacement that was not pulled. */
      atMost: number;
      /** @description How many of them are expected inside its exposure now; null while nobody knows what is offered. */
      expected: number | null;
    };
    MeView: {
      name: string;
      /** @description What it may do, and what follows from that. */
      roles: components['schemas']['TokenRole'][];
      /** @description The id of the token; absent where it is a file. */
      tokenId?: string;
      binding?: components['schemas']['TokenBinding'];
      /** Format: date-time */
      expiresAt?: string;
    };
    ModelArtifact: {
      url: string;
      sha256: string;
      sizeBytes: number;
      /** @description Models of the variant that get this package. */
      models: string[];
    };
    NamedReceipt: {
      /** @description The stream that it is of. */
      stream: string;
      receipt: string;
      /** @description The event that names it, by stream and revision. */
      by: string;
    };
    NotRecomputable: {
      /** @description Of a rule that is not known, in events from before there were receipts. */
      anotherRule: number;
      /** @description Without the counts that they are made of, in events from before there were receipts. */
      countsNotKept: number;
      /** @description As many tests are listed as may be, and these alone do not reach the limit. */
      notAllListed: number;
    };
    /** @enum {string} */
    NoticeKind:
      | 'rollout-halted'
      | 'rollout-waits'
      | 'gate-hold'
      | 'patch-pulled'
      | 'recall-stalled'
      | 'recall-completed'
      | 'recall-reopened'
      | 'stale'
      | 'blind';
    /** @enum {string} */
    Ok: 'ok';
    /** @enum {string} */
    OpenField: 'removed' | 'removeFailed' | 'removalShare' | 'stale' | 'device';
    OpenRuleView: {
      field: components['schemas']['OpenField'];
      rule: components['schemas']['RuleCode'];
      /** @description False where the answer is the same whatever it is. */
      matters: boolean;
      words: string;
    };
    OtherPatchView: {
      patchId: string;
      reason: components['schemas']['ExplainedReason'];
    };
    Pace: {
      first: number;
      factor: number;
    };
    PackageSupply: {
      /** @description Too many devices get no package: nobody is to blame, and nothing widens. */
      isOut: boolean;
      tries?: number;
      /** @description Those of them that got none. */
      unreached?: number;
    };
    ParkedEvent: {
      source: string;
      type: string;
      stream: string;
      place: components['schemas']['StreamPlace'];
      /** @description Of the public event before it in its stream. */
      previous?: components['schemas']['StreamPlace'];
      commitId?: string;
      position: string;
      time: string;
      actor: string;
      correlationId: string;
      causationId?: string;
      data: unknown;
    };
    PatchAttempts: {
      patchId: string;
      attempts: number;
    };
    PatchHealth: {
      patchId: string;
      /**
       * Format: date-time
       * @description The end of the latest bucket that told of the patch.
       */
      through?: string;
      cells: components['schemas']['HealthCell'][];
      holders: components['schemas']['HolderTotals'];
    };
    PatchPage: {
      items: components['schemas']['PatchView'][];
      /** @description Where the list goes on; absent on the last page. */
      nextCursor?: string;
      /** @description How many there are in all with this filter; null where that is not known. */
      total: number | null;
    };
    PatchPulledNote: {
      mode: components['schemas']['PullMode'];
      reason: string;
    };
    /** @enum {string} */
    PatchState: 'started' | 'installed' | 'failed' | 'rolledBack' | 'replaced';
    /**
     * @description The last of these that applies.
     * @enum {string}
     */
    PatchStatus: 'published' | 'superseded' | 'folded-in' | 'pulled';
    PatchView: {
      /** @example ios-26.3.1-a */
      patchId: string;
      platform: components['schemas']['Platform'];
      /** @example 26.3.1 */
      baseVersion: string;
      /** @example a */
      letter: string;
      variants: components['schemas']['Variant'][];
      releaseNotesUrl?: string;
      cves: components['schemas']['Cve'][];
      /** @description The last of these that applies. */
      status: components['schemas']['PatchStatus'];
      /** Format: date-time */
      publishedAt: string;
      /** @description 0, and one more with each pull: leases of an older epoch are void. */
      recallEpoch: number;
      supersededBy?: string;
      foldedInto?: components['schemas']['FoldedInto'];
      pulled?: components['schemas']['Pulled'];
      /** @description There while a second person has yet to confirm a recall. */
      requested?: components['schemas']['Requested'];
    };
    PlaceHoldBody: {
      reason: string;
      /** @example h1 */
      holdId: string;
      /** @description This patch only; every patch if absent. */
      patchId?: string;
      /** @description These devices only; all if absent. */
      slice?: components['schemas']['Audience'];
      /** @description Where to read more. */
      url?: string;
      /**
       * Format: date-time
       * @description When it ends by itself.
       */
      expiresAt?: string;
    };
    PlacedHold: {
      holdId: string;
      status: components['schemas']['HoldStatus'];
      /** @description Absent where it is for every patch. */
      patchId?: string;
      /** @description Empty where it is for all devices. */
      slice: components['schemas']['Audience'];
      reason: string;
      /** @description Who placed it: a name, or `gate`. */
      owner: string;
      url?: string;
      /** Format: date-time */
      expiresAt?: string;
      /** @description Of a hold on everything: removals of recalled patches stop as well. */
      removals?: boolean;
      /** @description What a gate held the slice for. */
      evidence?: components['schemas']['SumEvidence'];
      /** Format: date-time */
      placedAt: string;
      /** @description What its ETag has; absent while it is in force without being stored. */
      revision?: number;
      /** Format: date-time */
      liftedAt?: string;
      liftedBecause?: string;
      /** @description Known devices that it covers. */
      knownDevices: number;
      note?: components['schemas']['HoldNote'];
    };
    PlanRolloutBody: {
      patchId: string;
      waves: components['schemas']['Wave'][];
      gates: components['schemas']['Gates'];
      /** @description How many devices may be exposed beyond those that are fine; 300 first, then 3 times the fine ones. */
      pace?: components['schemas']['Pace'];
      /**
       * @description How many people beside who planned it have to approve it before it widens.
       * @default 0
       */
      approvalsRequired?: number;
      /** Format: date-time */
      startAt?: string;
      notes?: string;
      /**
       * @description Share of devices that stays unpatched to the end.
       * @default 2
       */
      holdBackPercent?: number;
      /** @description Drawn at random if absent. */
      salt?: string;
      /** @example r1 */
      rolloutId: string;
    };
    /** @enum {string} */
    Platform: 'ios' | 'macos' | 'visionos' | 'tvos' | 'watchos';
    PossibleReplacement: {
      patchId: string;
      letter: string;
      /** @description CVEs of the ledger that it does not name. */
      leavesOpen: string[];
    };
    Problem: {
      /** @description `urn:sluice:error:` and the code. */
      type: string;
      title: string;
      status: number;
      /** @enum {unknown} */
      code:
        | 'invalid-request'
        | 'malformed-json'
        | 'nested-too-deep'
        | 'malformed-request'
        | 'tokens-unavailable'
        | 'not-the-owner'
        | 'unauthenticated'
        | 'forbidden'
        | 'device-forbidden'
        | 'route-not-found'
        | 'method-not-allowed'
        | 'request-too-slow'
        | 'body-too-large'
        | 'unsupported-media-type'
        | 'key-reused'
        | 'headers-too-large'
        | 'conflict'
        | 'overloaded'
        | 'shutting-down'
        | 'store-unavailable'
        | 'store-late'
        | 'in-force-not-durable'
        | 'unknown-cursor'
        | 'too-many-readers'
        | 'reader-too-slow'
        | 'other-lineage'
        | 'beyond-end'
        | 'clock-not-manual'
        | 'clock-is-sound'
        | 'clock-moved-on'
        | 'clock-unsound'
        | 'not-ready'
        | 'internal'
        | 'patch-not-found'
        | 'patch-exists'
        | 'patch-pulled'
        | 'patch-already-recalled'
        | 'ledger-not-named'
        | 'ledger-changed'
        | 'replacement-unsuitable'
        | 'patch-folded-in'
        | 'release-not-later'
        | 'build-taken'
        | 'prerequisite-is-patch'
        | 'letter-taken'
        | 'nothing-to-import'
        | 'unknown-import-format'
        | 'rollout-not-found'
        | 'rollout-exists'
        | 'plan-not-valid'
        | 'rollout-not-planned'
        | 'if-match-missing'
        | 'revision-changed'
        | 'approval-missing'
        | 'approval-own-plan'
        | 'reason-missing'
        | 'already-exposed'
        | 'wave-not-open'
        | 'wave-waits'
        | 'rollout-not-running'
        | 'rollout-not-stopped'
        | 'rollout-over'
        | 'rollout-of-patch-running'
        | 'patch-unknown'
        | 'start-in-past'
        | 'gate-says-stop'
        | 'evidence-not-named'
        | 'hold-not-found'
        | 'hold-exists'
        | 'hold-not-active'
        | 'expiry-in-past'
        | 'recall-not-found'
        | 'recall-not-running'
        | 'device-not-found'
        | 'shard-without-owner'
        | 'unknown-kind'
        | 'report-id-used'
        | 'too-many-profiles'
        | 'invalid-report'
        | 'at-in-future'
        | 'at-before-first-record'
        | 'replay-not-found'
        | 'replay-running'
        | 'dead-letter-not-found'
        | 'dead-letter-behind'
        | 'attention-not-found'
        | 'attention-taken'
        | 'receiver-not-found'
        | 'token-name-taken'
        | 'token-name-reserved'
        | 'token-not-found';
      detail?: string;
      correlationId?: string;
      /** @description Every fault of the request at once. */
      errors?: {
        /** @description JSON Pointer into the body, or the name of a parameter behind a slash. */
        path: string;
        code: string;
        detail: string;
      }[];
      /** @description With `revision-changed` and `attention-taken`: what it is now. With `ledger-not-named` and `ledger-changed`: the present ledger. */
      current?: Record<string, never>;
      /** @description With `not-the-owner`: where the owner listens. */
      owner?: string;
    };
    PublishPatchBody: {
      /** @example ios-26.3.1-a */
      patchId: string;
      platform: components['schemas']['Platform'];
      /** @example 26.3.1 */
      baseVersion: string;
      /** @example a */
      letter: string;
      variants: components['schemas']['Variant'][];
      releaseNotesUrl?: string;
      cves?: components['schemas']['Cve'][];
    };
    /** @enum {string} */
    PullMode: 'withdraw' | 'recall';
    PullPatchBody: {
      /**
       * @description withdraw: stop offering it. recall: also remove it from every device.
       * @default withdraw
       */
      mode?: components['schemas']['PullMode'];
      /** @default no reason given */
      reason?: string;
      /** @description Another patch of the same base that devices go on to. */
      replacement?: string;
      /** @description Of a recall: direct so many devices an hour to remove it, no more. */
      removePerHourMax?: number;
      /** @description Of a recall: `digest` of the re-exposure ledger that was seen. One that re-opens exploited CVEs has to name it; one that is named has to be the present one. */
      ledgerDigest?: string;
      /** @description Of a recall that re-opens exploited CVEs: one person decides on it alone, at once. */
      breakGlass?: components['schemas']['BreakGlass'];
    };
    Pulled: {
      mode: components['schemas']['PullMode'];
      reason: string;
      replacement?: string;
      removePerHourMax?: number;
      ledgerDigest?: string;
      /** @description Who ordered it, by the name of the token; absent in older pulls. */
      by?: string;
      /** @description Of a recall that two people decided on: who asked for it. */
      requestedBy?: string;
      /** @description And who confirmed it. */
      confirmedBy?: string;
      /** @description Of a recall that one person decided on although it re-opens exploited CVEs. */
      breakGlass?: components['schemas']['BrokenGlass'];
      /** Format: date-time */
      at: string;
      /** @description false while the pull is in force without being stored; absent once it is stored. */
      durable?: boolean;
    };
    Ramp: {
      fromPercent: number;
      toPercent: number;
      /** @description Minutes of running time. */
      minutes: number;
    };
    ReExposureView: {
      patchId: string;
      /** @description That of the patch; while a recall is asked for, the one that was asked on. */
      recallEpoch: number;
      cves: components['schemas']['ReopenedCve'][];
      builds: components['schemas']['FallingBuild'][];
      /** @description Patches of an earlier letter for the same base and models: what they closed is open again, too. */
      patches: components['schemas']['FallingPatch'][];
      replacement: components['schemas']['LedgerReplacement'];
      /** @description The one that contains the fix, if any is known. Devices that stay on their base are not protected by it. */
      fullRelease: components['schemas']['LedgerFullRelease'] | null;
      /** @description SHA-256, in hex, of all other fields as canonical JSON (RFC 8785). It changes when one of them does, and never because a count moved. */
      digest: string;
    };
    Readiness: {
      status: components['schemas']['Ok'];
      /** @description What fails though the process is ready. */
      troubles?: string[];
      stopsNotDurable?: components['schemas']['WaitingStop'][];
    };
    ReasonBody: {
      reason: string;
    };
    RecallPage: {
      items: components['schemas']['RecallView'][];
      /** @description Where the list goes on; absent on the last page. */
      nextCursor?: string;
      /** @description How many there are in all with this filter; null where that is not known. */
      total: number | null;
    };
    RecallPause: {
      reason: string;
      evidence?: components['schemas']['SumEvidence'];
      /** Format: date-time */
      at: string;
    };
    RecallPoint: {
      /** Format: date-time */
      at: string;
      /** @description Devices that hold the patch; null until all of the fleet has counted. */
      remaining: number | null;
      freed: number | null;
      replaced: number | null;
      retired: number | null;
      failing: number | null;
      offline: number | null;
    };
    RecallPreview: {
      patchId: string;
      /** Format: date-time */
      asOf: string;
      /** @description Known devices that hold the patch. */
      holders: number | null;
      /** @description The most first. */
      byModel: components['schemas']['HoldersOfModel'][] | null;
      byTrack: components['schemas']['HoldersByTrack'] | null;
      byLastReport: components['schemas']['HoldersByLastReport'] | null;
      /** @description Other devices that have begun to install it. */
      inFlight: number | null;
      /** @description Who may have a replacement now. */
      replacement: components['schemas']['MayBeReplaced'] | null;
      /** @description Holders for whom there is no replacement: nothing protects them once they are back on their base. */
      withoutReplacement: number | null;
      /** @description Why something above is null; null when nothing is. */
      unknownBecause: string | null;
    };
    /** @enum {string} */
    RecallStatus: 'running' | 'paused' | 'completed';
    RecallTimelineView: {
      patchId: string;
      points: components['schemas']['RecallPoint'][];
      marks: components['schemas']['TimelineMark'][];
      marksTotal: number;
    };
    RecallView: {
      patchId: string;
      status: components['schemas']['RecallStatus'];
      recallEpoch: number;
      reason: string;
      replacement?: string;
      /**
       * Format: date-time
       * @description Of its first epoch.
       */
      startedAt: string;
      /**
       * Format: date-time
       * @description Of its present epoch.
       */
      pulledAt: string;
      /** Format: date-time */
      completedAt?: string;
      /** @description Who pulled the patch. */
      causedBy?: string;
      pausedBecause?: components['schemas']['RecallPause'];
      /** @description The last time that it was resumed. */
      resumed?: components['schemas']['Resumption'];
      /** @description Those that held the patch when it was pulled, or since: each is removed, replaced, retired or remaining. */
      devices: number | null;
      /** @description Their build showed that they went back. */
      removed: number | null;
      /** @description The removed, by the cause that they gave. */
      freed: components['schemas']['FreedByCause'] | null;
      /** @description They went on to another build. */
      replaced: number | null;
      retired: number | null;
      /** @description Each failing, offline or waiting. */
      remaining: number | null;
      failing: number | null;
      offline: number | null;
      waiting: number | null;
      /** @description Devices outside of these that have begun to install the patch. */
      inFlight: number | null;
      /** @description Of the removed, those that are on the base still: open to what the patch had closed, until a replacement or a full release is seen on them. */
      reExposed: number | null;
      /** @description Devices that are known to have begun to remove it; null for the past. */
      begun: number | null;
      /** @description Those of them that failed or went silent, since the gate counts; null for the past. */
      begunFailed: number | null;
      /**
       * Format: date-time
       * @description When the last directive from before the pull runs out; null for a patch that was never offered.
       */
      leasesUntil: string | null;
      /** @description From its start until half of its devices were free of the patch. */
      p50Seconds: number | null;
      p90Seconds: number | null;
      p99Seconds: number | null;
    };
    ReceiptDifference: {
      stream: string;
      /** @description Absent where a receipt is missing that events name. */
      revision?: number;
      type?: string;
      /** Format: date-time */
      recordedAt?: string;
      /** @description Its receipt is another one; it has none, though its chain has begun; its verdict does not follow from its counts; a receipt that an event names as its cause is not there. */
      what: components['schemas']['ReceiptDifferenceKind'];
      detail: string;
    };
    /**
     * @description Its receipt is another one; it has none, though its chain has begun; its verdict does not follow from its counts; a receipt that an event names as its cause is not there.
     * @enum {string}
     */
    ReceiptDifferenceKind: 'receipt' | 'receipt-missing' | 'verdict' | 'cause';
    ReceiptsReport: {
      name: string;
      events: number;
      streams: number;
      /** @description Events from before their stream had receipts: nothing can be said of them. */
      withoutReceipt: number;
      /** @description Verdicts of gates that follow from their counts. */
      verdicts: number;
      notRecomputable: components['schemas']['NotRecomputable'];
      /** @description Receipts that events name as their cause, and that are there. */
      causes: number;
      /** @description Those of streams that are not in this store. */
      causesElsewhere: number;
      /** @description The first of these, to ask their owner for. */
      elsewhere: components['schemas']['NamedReceipt'][];
      differing: number;
      /** @description The first of them, in order. */
      differences: components['schemas']['ReceiptDifference'][];
    };
    /**
     * @description Of one that is rolled back: why, as the device said; null when it did not say.
     * @enum {string}
     */
    RemovalCause: 'recall' | 'user' | 'failure';
    ReopenedCve: {
      id: string;
      /** @description Whether it is known to be exploited. */
      exploited: boolean;
      /**
       * Format: date-time
       * @description When it was published that a patch closes it.
       */
      closedSince: string;
      /** @description The recalled patch, and those of an earlier letter that fall with it. */
      closedBy: string[];
    };
    ReplanRolloutBody: {
      patchId: string;
      waves: components['schemas']['Wave'][];
      gates: components['schemas']['Gates'];
      /** @description How many devices may be exposed beyond those that are fine; 300 first, then 3 times the fine ones. */
      pace?: components['schemas']['Pace'];
      /**
       * @description How many people beside who planned it have to approve it before it widens.
       * @default 0
       */
      approvalsRequired?: number;
      /** Format: date-time */
      startAt?: string;
      notes?: string;
      /**
       * @description Share of devices that stays unpatched to the end.
       * @default 2
       */
      holdBackPercent?: number;
      /** @description Drawn at random if absent. */
      salt?: string;
      /** @description Why; needed once the rollout has started. */
      reason?: string;
    };
    ReplayDifference: {
      readModel: string;
      /** @description JSON Pointer into the read model. */
      where: string;
      /** @description Absent where the read model has nothing there. */
      live?: unknown;
      /** @description Absent where the store says nothing of it. */
      replayed?: unknown;
    };
    ReplayJob: {
      id: string;
      status: components['schemas']['ReplayStatus'];
      /** Format: date-time */
      startedAt: string;
      /** @description The read models that were compared. */
      done: string[];
      outOf: number;
      /** @description Once it is done: whether every read model is what the store says, or every event what its receipt says. */
      matches?: boolean;
      differences: components['schemas']['ReplayDifference'][];
      /** @description Of a check of receipts: the events checked so far. */
      events?: number;
      receipts?: components['schemas']['ReceiptsReport'][];
      /** @description Why it broke off. */
      error?: string;
    };
    /** @enum {string} */
    ReplayStatus: 'running' | 'done' | 'failed';
    ReportBatch: {
      reports: unknown[];
    };
    ReportReceipt: {
      accepted: number;
      duplicates: number;
      refused: {
        index: number;
        code: string;
        detail: string;
      }[];
    };
    Requested: {
      mode: components['schemas']['RequestedMode'];
      reason: string;
      replacement?: string;
      removePerHourMax?: number;
      ledgerDigest: string;
      /** @description That of the ledger. */
      recallEpoch: number;
      /** @description Who asked for it, by the name of the token. */
      by: string;
      /** Format: date-time */
      at: string;
    };
    /** @enum {string} */
    RequestedMode: 'recall';
    ResumeBody: {
      /** @description What was looked at; needed after a halt. */
      evidenceSeen?: string;
      /** @description Why it goes on. */
      reason?: string;
    };
    Resumption: {
      /** Format: date-time */
      at: string;
      reason?: string;
      evidenceSeen?: string;
    };
    RolloutEvidence: {
      items: components['schemas']['EvidenceOfTest'][];
      /** @description Where the list goes on; absent on the last page. */
      nextCursor?: string;
      /** @description How many there are in all with this filter; null where that is not known. */
      total: number | null;
      rolloutId: string;
      patchId: string;
      /** @description The name and version of the rule. */
      rule: string;
      /** @description What follows from it; unknown while not all of the health is read. */
      says: components['schemas']['EvidenceSays'];
      /** @description The natural logarithm of the sum of weight × E; null where nothing is counted. */
      logSum: number | null;
      /** @description From here on nothing widens. */
      logCaution: number;
      /** @description From here on a slice is held, or the rollout halts. */
      logLimit: number;
      /**
       * Format: date-time
       * @description Since when it counts.
       */
      since: string;
      /**
       * Format: date-time
       * @description Up to which bucket; null while not all of them are read.
       */
      through: string | null;
      /** @description The slice that is held at the limit, where harm is on one. */
      blamed?: components['schemas']['SliceOfPatch'];
      /** @description Slices on hold by a gate, which count no more. */
      held: components['schemas']['GateHold'][];
      infrastructure: components['schemas']['PackageSupply'];
      health: components['schemas']['HealthKnown'];
    };
    RolloutPage: {
      items: components['schemas']['RolloutView'][];
      /** @description Where the list goes on; absent on the last page. */
      nextCursor?: string;
      /** @description How many there are in all with this filter; null where that is not known. */
      total: number | null;
    };
    RolloutPoint: {
      /** Format: date-time */
      at: string;
      /** @description Of buckets, if nothing had ever kept it from going on. */
      plannedPercent: number | null;
      /** @description Of buckets, as granted. */
      grantedPercent: number | null;
      /** @description Installs of the patch since the rollout started; null while they are not read. */
      started: number | null;
      fine: number | null;
      failed: number | null;
      /** @description The natural logarithm of the largest sum of evidence since the point before; null where no pass of this process saw it, and nothing was decided on it. */
      logSum: number | null;
    };
    RolloutPreview: {
      rolloutId: string;
      patchId: string;
      waves: components['schemas']['WavePreview'][];
    };
    /** @enum {string} */
    RolloutStatus: 'planned' | 'running' | 'paused' | 'halted' | 'completed' | 'aborted';
    RolloutTimelineView: {
      rolloutId: string;
      patchId: string;
      /** @description None before its start. */
      points: components['schemas']['RolloutPoint'][];
      /** @description What happened, in order: the first and the last, if there are too many. */
      marks: components['schemas']['TimelineMark'][];
      marksTotal: number;
    };
    RolloutView: {
      patchId: string;
      waves: components['schemas']['Wave'][];
      gates: components['schemas']['Gates'];
      /** @description How many devices may be exposed beyond those that are fine; 300 first, then 3 times the fine ones. */
      pace?: components['schemas']['Pace'];
      /**
       * @description How many people beside who planned it have to approve it before it widens.
       * @default 0
       */
      approvalsRequired?: number;
      /** Format: date-time */
      startAt?: string;
      notes?: string;
      rolloutId: string;
      holdBackPercent: number;
      salt: string;
      status: components['schemas']['RolloutStatus'];
      /** @description The number in its ETag. */
      revision?: number;
      /** @description The last wave that was opened, counted from 1; 0 where none was. */
      wave?: number;
      /** Format: date-time */
      startedAt?: string;
      /** @description Of the known eligible devices; null while none is known. */
      exposurePercent: number | null;
      /** @description Null while no eligible device is known. */
      exposedDevices: number | null;
      /** @description Of buckets, as the waves say. */
      plannedPercent: number;
      /**
       * Format: date-time
       * @description Since when the open wave, which is over, does not go on.
       */
      waitingSince?: string;
      couldHaveSeen?: components['schemas']['CouldHaveSeen'];
      /** @description Where approvals are needed, or were given. */
      approvals?: components['schemas']['ApprovalsView'];
      waitsFor: components['schemas']['WaitReasonView'][];
      patchPulled?: components['schemas']['PatchPulledNote'];
      supersededBy?: string;
      /** @description The hold that covers all of it. */
      heldBy?: string;
      gateHolds?: components['schemas']['GateHold'][];
      forced?: components['schemas']['ForcedWave'][];
      /** @description Waves that a person ended early. */
      advanced?: components['schemas']['ForcedWave'][];
      /** @description The last time that it was resumed. */
      resumed?: components['schemas']['Resumption'];
      /** @description Once it is completed. */
      holdBack?: components['schemas']['HoldBack'];
      haltedBecause?: components['schemas']['HaltedBecause'];
      /** @description Why it was paused or aborted. */
      reason?: string;
      /** @description Who pulled the patch, where that aborted it. */
      causedBy?: string;
    };
    /** @enum {string} */
    RuleCode:
      | 'recalled'
      | 'policy-stale'
      | 'no-patch'
      | 'already-installed'
      | 'folded-in'
      | 'superseded'
      | 'pulled'
      | 'on-hold'
      | 'no-rollout'
      | 'rollout-paused'
      | 'outside-audience'
      | 'hold-back'
      | 'beyond-exposure'
      | 'removed-by-user'
      | 'failed-too-often'
      | 'manual-track'
      | 'in-wave';
    /**
     * @description `unknown`: something that it looks at is not known.
     * @enum {string}
     */
    RuleOutcome: 'passed' | 'decided' | 'unknown' | 'not-reached';
    RuleView: {
      rule: components['schemas']['RuleCode'];
      /** @description `unknown`: something that it looks at is not known. */
      outcome: components['schemas']['RuleOutcome'];
      /** @description By name: texts, numbers, booleans, lists of texts, or null. Empty for a rule not reached. */
      values: unknown;
      words: string;
    };
    SeriesPoint: {
      /** Format: date-time */
      at: string;
      /** @description Known devices that held the patch. */
      holders: number;
      /** @description Install trials begun so far. */
      started: number;
      failed: number;
      fine: number;
      /** @description Removed so far, for whatever cause. */
      removed: number;
      removalsFailed: number;
    };
    SetClockBody: {
      /**
       * Format: date-time
       * @description The new time; not before the present one.
       */
      now: string;
    };
    /** @enum {string} */
    Severity: 'critical' | 'warning' | 'info';
    ShardCover: {
      total: number;
      /** @description Those that are missing in the sum, because nobody owns them or their owner did not answer. */
      withoutOwner: number[];
    };
    ShardThrough: {
      shard: number;
      /** @description How many shards the fleet has. */
      shards: number;
      /** @description Domain time, milliseconds since 1970. */
      throughMs: number;
      /** @description Of `health-<shard>`; -1 while there is none. */
      revision: number;
    };
    ShardThroughView: {
      shard: number;
      /** @description How many shards the fleet has. */
      shards: number;
      /** @description Milliseconds since 1970. */
      throughMs: number;
      /** @description Of the stream of its health; -1 while it has no bucket. */
      revision: number;
    };
    SliceOfPatch: {
      platform: components['schemas']['Platform'];
      model: string;
      base: string;
    };
    SlicePreview: {
      platform: components['schemas']['Platform'];
      model: string;
      base: string;
      eligible: number;
      expected: number;
    };
    SourceSignsView: {
      /** @description False while its store does not take what it writes. */
      writable: boolean;
      through: components['schemas']['ShardThroughView'][];
      stops: components['schemas']['UnstoredStopView'][];
    };
    StartReplayBody: {
      /**
       * @description Fold everything again from the store and compare with the live read models.
       * @enum {boolean}
       */
      verify: true;
      /**
       * @description Check the receipts of all decisions instead.
       * @enum {boolean}
       */
      receipts?: true;
      /** @description Receipts that are looked for here: `elsewhere` of the check of another service. */
      named?: components['schemas']['NamedReceipt'][];
    };
    StateCounts: {
      started: number;
      /** @description Holders. */
      installed: number;
      failed: number;
      rolledBack: number;
      replaced: number;
    };
    StillParked: {
      /** @description What is still parked of the stream. */
      parked: components['schemas']['DeadLetterView'][];
    };
    StopBody: {
      /** @default no reason given */
      reason?: string;
    };
    StopEverythingBody: {
      /** @default no reason given */
      reason?: string;
      /**
       * @description Devices keep what was recalled, too, until the stop is lifted.
       * @default false
       */
      removals?: boolean;
    };
    StopInForce: {
      holdId: string;
      status: components['schemas']['HoldStatus'];
      /** @description Absent where it is for every patch. */
      patchId?: string;
      /** @description Empty where it is for all devices. */
      slice: components['schemas']['Audience'];
      reason: string;
      /** @description Who placed it: a name, or `gate`. */
      owner: string;
      url?: string;
      /** Format: date-time */
      expiresAt?: string;
      /** @description Of a hold on everything: removals of recalled patches stop as well. */
      removals?: boolean;
      /** @description What a gate held the slice for. */
      evidence?: components['schemas']['SumEvidence'];
      /** Format: date-time */
      placedAt: string;
      /** @description What its ETag has; absent while it is in force without being stored. */
      revision?: number;
      /** Format: date-time */
      liftedAt?: string;
      liftedBecause?: string;
      /** @description The command that lifts it. */
      lift: string;
    };
    StreamPlace: {
      revision: number;
      index: number;
    };
    StreamPlaceView: {
      revision: number;
      index: number;
    };
    SumEvidence: {
      rule: string;
      patchId: string;
      alpha: number;
      logSum: number;
      logLimit: number;
      since: string;
      through: string;
      words: string;
      tests: {
        test: string;
        /** @enum {unknown} */
        level: 'all' | 'family' | 'model' | 'slice';
        of?: string;
        trials: number;
        failures: number;
        toleratedRate: number;
        logE: number;
        weight: number;
        madeOf?:
          | {
              /** @constant */
              by: 'rate';
            }
          | {
              /** @constant */
              by: 'periods';
              periods: {
                k: number;
                trials: number;
                failures: number;
              }[];
            }
          | {
              /** @constant */
              by: 'lot';
              onsets: number;
              expected?: number;
              since: {
                onset: number;
                events: number;
                treated: number;
                logByChance: number[];
              }[];
              older: {
                through: number;
                events: number;
                treated: number;
                logByChance: number[];
              };
            };
      }[];
      logOthers?: number;
    };
    TakeAttentionBody: {
      /** @description For the others: what you do about it. */
      note?: string;
      /** @description From this present owner. Needed where somebody else has taken it. */
      from?: string;
    };
    TestWebhooksBody: {
      /** @description This receiver only; all if absent. */
      receiver?: string;
    };
    TimelineMark: {
      /** Format: date-time */
      at: string;
      /** @description The type of the event. */
      what: string;
      wave?: number;
      words?: string;
    };
    TokenBinding: {
      deviceId?: string;
      devicePrefix?: string;
    };
    TokenPage: {
      items: components['schemas']['TokenView'][];
      /** @description Where the list goes on; absent on the last page. */
      nextCursor?: string;
      /** @description How many there are in all with this filter; null where that is not known. */
      total: number | null;
      /** @description Files of the tokens folder, of former versions, that could not be taken over; at most 100 of them. */
      notTakenOver?: string[];
    };
    /**
     * @description What it may do, and what follows from that.
     * @enum {string}
     */
    TokenRole: 'viewer' | 'publisher' | 'operator' | 'responder' | 'device' | 'gateway' | 'peer' | 'admin';
    TokenView: {
      /** @example 4f0c9a7be231 */
      id: string;
      /**
       * @description Who or what uses the token; the actor of its commands.
       * @example gateway-7
       */
      name: string;
      /** @description What it may do. */
      roles: components['schemas']['TokenRole'][];
      /** @description For which devices a device token speaks. */
      binding?: components['schemas']['TokenBinding'];
      /** Format: date-time */
      createdAt: string;
      /** Format: date-time */
      expiresAt?: string;
      /**
       * Format: date-time
       * @description The begin of the hour in which this service was last asked with it.
       */
      lastUsedAt?: string;
    };
    /** @enum {string} */
    Track: 'automatic' | 'manual';
    UnstoredStopView: {
      patchId: string;
      mode: components['schemas']['PullMode'];
      reason: string;
      /** Format: date-time */
      at: string;
    };
    Variant: {
      /**
       * @description What a patched device reports as its own build.
       * @example 23D771330a
       */
      build: string;
      /**
       * @description The base build that the variant applies to.
       * @example 23D8133
       */
      prerequisiteBuild: string;
      /**
       * @example [
       *       "iPhone18,1"
       *     ]
       */
      models: string[];
      /** @description The package of all models that have none in `artifacts`. */
      artifact?: components['schemas']['Artifact'];
      /** @description Packages by model. */
      artifacts?: components['schemas']['ModelArtifact'][];
    };
    /** @enum {string} */
    WaitCode:
      | 'start'
      | 'ramp'
      | 'bake'
      | 'approvals'
      | 'operator'
      | 'pace'
      | 'outcomes'
      | 'person'
      | 'pending-failures'
      | 'evidence'
      | 'gate'
      | 'health'
      | 'catalog'
      | 'own-store'
      | 'clock'
      | 'infrastructure'
      | 'hold'
      | 'patch-pulled';
    WaitReasonView: {
      for: components['schemas']['WaitCode'];
      words: string;
      /** @description The command that ends the wait, or shows what is behind it. */
      command: string;
      /**
       * Format: date-time
       * @description Time alone brings it, then.
       */
      until?: string;
      /**
       * Format: date-time
       * @description The instant up to which health is known in all shards.
       */
      through?: string;
      /** @description Devices that were awake and are exposed. */
      exposed?: number;
      /** @description Outcomes that are known, or devices that are fine. */
      known?: number;
      /** @description How many are needed. */
      needed?: number;
      /** @description Known devices that the wave was the first to expose (expected). */
      awake?: number;
      /** @description Failures without a reported start. */
      failures?: number;
      /** @description The sum of the evidence against it. */
      evidence?: number;
      /** @description From which evidence on nothing widens. */
      limit?: number;
    };
    WaitingStop: {
      /** @description What is done to what: `withdraw ios-26.3.1-a`. */
      stop: string;
      /** Format: date-time */
      since: string;
    };
    Wave: {
      name: string;
      /** @description Only members of this ring, whatever their buckets. */
      ring?: string;
      audience?: components['schemas']['Audience'];
      ramp: components['schemas']['Ramp'];
      /** @description Minutes of running time after the ramp. */
      bakeMinutes: number;
    };
    /**
     * @description It is expected to reach no known device.
     * @enum {string}
     */
    WaveNote: 'proves-nothing';
    WavePreview: {
      wave: number;
      name: string;
      ring?: string;
      /** @description Known devices that match it. */
      eligible: number;
      /** @description How many of them the end of its ramp reaches. */
      expected: number;
      /** @description It is expected to reach no known device. */
      note?: components['schemas']['WaveNote'];
      slices: components['schemas']['SlicePreview'][];
    };
    WebhookFailure: {
      /** Format: date-time */
      at: string;
      because: string;
    };
    /** @enum {string} */
    WebhookFormat: 'standard' | 'slack' | 'alertmanager';
    WebhookPage: {
      items: components['schemas']['WebhookReceiver'][];
      /** @description Where the list goes on; absent on the last page. */
      nextCursor?: string;
      /** @description How many there are in all with this filter; null where that is not known. */
      total: number | null;
    };
    WebhookReceiver: {
      name: string;
      format: components['schemas']['WebhookFormat'];
      /** @description Scheme, host and port; the rest of the address may be a secret. */
      to: string;
      kinds: components['schemas']['NoticeKind'][];
      /** @description A wave that waits for longer is told of (minutes). */
      waitLongerMinutes: number;
      /** @description `gone`: it said 410, and hears nothing more at this address. `standing-by`: another instance sends. */
      state: components['schemas']['WebhookReceiverState'];
      /** @description Notices that it has not accepted yet. */
      waiting: number;
      /**
       * Format: date-time
       * @description Null where none was since this process began.
       */
      lastSuccessAt: string | null;
      lastFailure: components['schemas']['WebhookFailure'] | null;
      /**
       * Format: date-time
       * @description Of the first failure since the last success.
       */
      failingSince: string | null;
    };
    /**
     * @description `gone`: it said 410, and hears nothing more at this address. `standing-by`: another instance sends.
     * @enum {string}
     */
    WebhookReceiverState: 'open' | 'gone' | 'standing-by';
    WebhookTest: {
      receiver: string;
      outcome: components['schemas']['WebhookTestOutcome'];
      /** @description Why it failed. */
      because?: string;
      /** @description How long it took (milliseconds). */
      ms: number;
    };
    /** @enum {string} */
    WebhookTestOutcome: 'accepted' | 'failed';
    WebhookTests: {
      results: components['schemas']['WebhookTest'][];
    };
  };
  responses: {
    /** @description `body-too-large`: The body is larger than this call takes. */
    BodyTooLarge: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @constant */
          status?: 413;
          /** @enum {unknown} */
          code?: 'body-too-large';
        };
      };
    };
    /** @description `conflict`: Others changed the same thing at the same time. Look at it again, then repeat. */
    Conflict: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @constant */
          status?: 409;
          /** @enum {unknown} */
          code?: 'conflict';
        };
      };
    };
    /** @description `forbidden`: The token has not the role that this call needs. */
    Forbidden: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @constant */
          status?: 403;
          /** @enum {unknown} */
          code?: 'forbidden';
        };
      };
    };
    /** @description `headers-too-large`: The headers of a request have at most 16 KiB. */
    HeadersTooLarge: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @constant */
          status?: 431;
          /** @enum {unknown} */
          code?: 'headers-too-large';
        };
      };
    };
    /** @description `internal`: A fault in Sluice. The correlation id finds it in the log. */
    Internal: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @constant */
          status?: 500;
          /** @enum {unknown} */
          code?: 'internal';
        };
      };
    };
    /**
     * @description `invalid-request`: The request is not valid. See `errors` for each fault.
     *
     *     `malformed-json`: The body is not valid JSON.
     *
     *     `malformed-request`: This is no HTTP request that the server can read.
     *
     *     `nested-too-deep`: Objects and lists lie inside one another more than 32 deep.
     */
    InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @constant */
          status?: 400;
          /** @enum {unknown} */
          code?: 'invalid-request' | 'malformed-json' | 'malformed-request' | 'nested-too-deep';
        };
      };
    };
    /**
     * @description `invalid-request`: The request is not valid. See `errors` for each fault.
     *
     *     `malformed-request`: This is no HTTP request that the server can read.
     */
    InvalidRequestOrMalformedRequest: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @constant */
          status?: 400;
          /** @enum {unknown} */
          code?: 'invalid-request' | 'malformed-request';
        };
      };
    };
    /**
     * @description `invalid-request`: The request is not valid. See `errors` for each fault.
     *
     *     `malformed-request`: This is no HTTP request that the server can read.
     *
     *     `nested-too-deep`: Objects and lists lie inside one another more than 32 deep.
     */
    InvalidRequestOrMalformedRequestOrNestedTooDeep: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @constant */
          status?: 400;
          /** @enum {unknown} */
          code?: 'invalid-request' | 'malformed-request' | 'nested-too-deep';
        };
      };
    };
    /** @description `key-reused`: The `Idempotency-Key` stands for another request of yours. Take a new one for each command. */
    KeyReused: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @constant */
          status?: 422;
          /** @enum {unknown} */
          code?: 'key-reused';
        };
      };
    };
    /**
     * @description `not-ready`: The service has not caught up yet. Try again in a few seconds.
     *
     *     `overloaded`: Too much is waiting. Try again after the time in `Retry-After`.
     *
     *     `shutting-down`: The service is stopping. Try again when it has been started again.
     */
    NotReadyOrOverloadedOrShuttingDown: {
      headers: {
        /** @description Try again after so many seconds. */
        'Retry-After'?: number;
        [name: string]: unknown;
      };
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @constant */
          status?: 503;
          /** @enum {unknown} */
          code?: 'not-ready' | 'overloaded' | 'shutting-down';
        };
      };
    };
    /**
     * @description `not-ready`: The service has not caught up yet. Try again in a few seconds.
     *
     *     `overloaded`: Too much is waiting. Try again after the time in `Retry-After`.
     *
     *     `shutting-down`: The service is stopping. Try again when it has been started again.
     *
     *     `store-unavailable`: The store cannot write. Nothing of this request was kept.
     *
     *     `tokens-unavailable`: Not all tokens are known here now, so nobody can say whether this one is good. Try again shortly.
     */
    NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable: {
      headers: {
        /** @description Try again after so many seconds. */
        'Retry-After'?: number;
        [name: string]: unknown;
      };
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @constant */
          status?: 503;
          /** @enum {unknown} */
          code?: 'not-ready' | 'overloaded' | 'shutting-down' | 'store-unavailable' | 'tokens-unavailable';
        };
      };
    };
    /**
     * @description `not-ready`: The service has not caught up yet. Try again in a few seconds.
     *
     *     `overloaded`: Too much is waiting. Try again after the time in `Retry-After`.
     *
     *     `shutting-down`: The service is stopping. Try again when it has been started again.
     *
     *     `tokens-unavailable`: Not all tokens are known here now, so nobody can say whether this one is good. Try again shortly.
     */
    NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable: {
      headers: {
        /** @description Try again after so many seconds. */
        'Retry-After'?: number;
        [name: string]: unknown;
      };
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @constant */
          status?: 503;
          /** @enum {unknown} */
          code?: 'not-ready' | 'overloaded' | 'shutting-down' | 'tokens-unavailable';
        };
      };
    };
    /** @description `request-too-slow`: The head of a request has to come within 10 seconds, and its body within another 10. */
    RequestTooSlow: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @constant */
          status?: 408;
          /** @enum {unknown} */
          code?: 'request-too-slow';
        };
      };
    };
    /** @description `unauthenticated`: Send `Authorization: Bearer <token>`. `sluice token create` makes one. */
    Unauthenticated: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @constant */
          status?: 401;
          /** @enum {unknown} */
          code?: 'unauthenticated';
        };
      };
    };
    /** @description `unsupported-media-type`: Send `Content-Type: application/json`. */
    UnsupportedMediaType: {
      headers: {
        [name: string]: unknown;
      };
      content: {
        'application/problem+json': components['schemas']['Problem'] & {
          /** @constant */
          status?: 415;
          /** @enum {unknown} */
          code?: 'unsupported-media-type';
        };
      };
    };
  };
  parameters: {
    /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
    IdempotencyKey: string;
    /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. One that is malformed, or stands for another request, counts as none. */
    IdempotencyKeyOfStop: string;
  };
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type AcceptClockBody = components['schemas']['AcceptClockBody'];
export type AdvanceRolloutBody = components['schemas']['AdvanceRolloutBody'];
export type Applied = components['schemas']['Applied'];
export type ApprovalView = components['schemas']['ApprovalView'];
export type ApprovalsView = components['schemas']['ApprovalsView'];
export type Artifact = components['schemas']['Artifact'];
export type AttentionAbout = components['schemas']['AttentionAbout'];
export type AttentionItem = components['schemas']['AttentionItem'];
export type AttentionKind = components['schemas']['AttentionKind'];
export type AttentionOwner = components['schemas']['AttentionOwner'];
export type AttentionPage = components['schemas']['AttentionPage'];
export type AttentionUnknown = components['schemas']['AttentionUnknown'];
export type Audience = components['schemas']['Audience'];
export type AuditEntry = components['schemas']['AuditEntry'];
export type AuditPage = components['schemas']['AuditPage'];
export type BreakGlass = components['schemas']['BreakGlass'];
export type BrokenGlass = components['schemas']['BrokenGlass'];
export type ChangeView = components['schemas']['ChangeView'];
export type ChangedField = components['schemas']['ChangedField'];
export type CheckIn = components['schemas']['CheckIn'];
export type CheckInAnswers = components['schemas']['CheckInAnswers'];
export type CheckInBatch = components['schemas']['CheckInBatch'];
export type ClockDoubt = components['schemas']['ClockDoubt'];
export type ClockKind = components['schemas']['ClockKind'];
export type ClockSet = components['schemas']['ClockSet'];
export type ClockView = components['schemas']['ClockView'];
export type CouldHaveSeen = components['schemas']['CouldHaveSeen'];
export type CouldHaveSeenHarm = components['schemas']['CouldHaveSeenHarm'];
export type CouldSee = components['schemas']['CouldSee'];
export type Cve = components['schemas']['Cve'];
export type DeadLetterDetails = components['schemas']['DeadLetterDetails'];
export type DeadLetterView = components['schemas']['DeadLetterView'];
export type DeadLetters = components['schemas']['DeadLetters'];
export type DeviceFact = components['schemas']['DeviceFact'];
export type DeviceFlag = components['schemas']['DeviceFlag'];
export type DevicePage = components['schemas']['DevicePage'];
export type DevicePatch = components['schemas']['DevicePatch'];
export type DeviceSource = components['schemas']['DeviceSource'];
export type DeviceTimeline = components['schemas']['DeviceTimeline'];
export type DeviceView = components['schemas']['DeviceView'];
export type Directive = components['schemas']['Directive'];
export type EvidenceBody = components['schemas']['EvidenceBody'];
export type EvidenceLevel = components['schemas']['EvidenceLevel'];
export type EvidenceOfTest = components['schemas']['EvidenceOfTest'];
export type EvidenceSays = components['schemas']['EvidenceSays'];
export type ExplainBody = components['schemas']['ExplainBody'];
export type ExplainedDevice = components['schemas']['ExplainedDevice'];
export type ExplainedReason = components['schemas']['ExplainedReason'];
export type ExplanationView = components['schemas']['ExplanationView'];
export type FactKind = components['schemas']['FactKind'];
export type FallingBuild = components['schemas']['FallingBuild'];
export type FallingPatch = components['schemas']['FallingPatch'];
export type FeedEventView = components['schemas']['FeedEventView'];
export type FeedOrder = components['schemas']['FeedOrder'];
export type FeedPage = components['schemas']['FeedPage'];
export type FeedStreamPage = components['schemas']['FeedStreamPage'];
export type FleetSeries = components['schemas']['FleetSeries'];
export type FleetView = components['schemas']['FleetView'];
export type FoldInPatchBody = components['schemas']['FoldInPatchBody'];
export type FoldedInto = components['schemas']['FoldedInto'];
export type FollowerProgress = components['schemas']['FollowerProgress'];
export type ForcedWave = components['schemas']['ForcedWave'];
export type FreedByCause = components['schemas']['FreedByCause'];
export type GateHold = components['schemas']['GateHold'];
export type Gates = components['schemas']['Gates'];
export type GoOn = components['schemas']['GoOn'];
export type HaltedBecause = components['schemas']['HaltedBecause'];
export type HaltedBy = components['schemas']['HaltedBy'];
export type HealthCell = components['schemas']['HealthCell'];
export type HealthKnown = components['schemas']['HealthKnown'];
export type HeldBy = components['schemas']['HeldBy'];
export type HoldBack = components['schemas']['HoldBack'];
export type HoldBackStatus = components['schemas']['HoldBackStatus'];
export type HoldNote = components['schemas']['HoldNote'];
export type HoldPage = components['schemas']['HoldPage'];
export type HoldStatus = components['schemas']['HoldStatus'];
export type HoldView = components['schemas']['HoldView'];
export type HolderTotals = components['schemas']['HolderTotals'];
export type HoldersByLastReport = components['schemas']['HoldersByLastReport'];
export type HoldersByTrack = components['schemas']['HoldersByTrack'];
export type HoldersOfModel = components['schemas']['HoldersOfModel'];
export type ImportEntry = components['schemas']['ImportEntry'];
export type ImportNote = components['schemas']['ImportNote'];
export type ImportReport = components['schemas']['ImportReport'];
export type ImportSource = components['schemas']['ImportSource'];
export type InstallEvidence = components['schemas']['InstallEvidence'];
export type IssueTokenBody = components['schemas']['IssueTokenBody'];
export type IssuedToken = components['schemas']['IssuedToken'];
export type LedgerFullRelease = components['schemas']['LedgerFullRelease'];
export type LedgerReplacement = components['schemas']['LedgerReplacement'];
export type Liveness = components['schemas']['Liveness'];
export type MayBeReplaced = components['schemas']['MayBeReplaced'];
export type MeView = components['schemas']['MeView'];
export type ModelArtifact = components['schemas']['ModelArtifact'];
export type NamedReceipt = components['schemas']['NamedReceipt'];
export type NotRecomputable = components['schemas']['NotRecomputable'];
export type NoticeKind = components['schemas']['NoticeKind'];
export type Ok = components['schemas']['Ok'];
export type OpenField = components['schemas']['OpenField'];
export type OpenRuleView = components['schemas']['OpenRuleView'];
export type OtherPatchView = components['schemas']['OtherPatchView'];
export type Pace = components['schemas']['Pace'];
export type PackageSupply = components['schemas']['PackageSupply'];
export type ParkedEvent = components['schemas']['ParkedEvent'];
export type PatchAttempts = components['schemas']['PatchAttempts'];
export type PatchHealth = components['schemas']['PatchHealth'];
export type PatchPage = components['schemas']['PatchPage'];
export type PatchPulledNote = components['schemas']['PatchPulledNote'];
export type PatchState = components['schemas']['PatchState'];
export type PatchStatus = components['schemas']['PatchStatus'];
export type PatchView = components['schemas']['PatchView'];
export type PlaceHoldBody = components['schemas']['PlaceHoldBody'];
export type PlacedHold = components['schemas']['PlacedHold'];
export type PlanRolloutBody = components['schemas']['PlanRolloutBody'];
export type Platform = components['schemas']['Platform'];
export type PossibleReplacement = components['schemas']['PossibleReplacement'];
export type Problem = components['schemas']['Problem'];
export type PublishPatchBody = components['schemas']['PublishPatchBody'];
export type PullMode = components['schemas']['PullMode'];
export type PullPatchBody = components['schemas']['PullPatchBody'];
export type Pulled = components['schemas']['Pulled'];
export type Ramp = components['schemas']['Ramp'];
export type ReExposureView = components['schemas']['ReExposureView'];
export type Readiness = components['schemas']['Readiness'];
export type ReasonBody = components['schemas']['ReasonBody'];
export type RecallPage = components['schemas']['RecallPage'];
export type RecallPause = components['schemas']['RecallPause'];
export type RecallPoint = components['schemas']['RecallPoint'];
export type RecallPreview = components['schemas']['RecallPreview'];
export type RecallStatus = components['schemas']['RecallStatus'];
export type RecallTimelineView = components['schemas']['RecallTimelineView'];
export type RecallView = components['schemas']['RecallView'];
export type ReceiptDifference = components['schemas']['ReceiptDifference'];
export type ReceiptDifferenceKind = components['schemas']['ReceiptDifferenceKind'];
export type ReceiptsReport = components['schemas']['ReceiptsReport'];
export type RemovalCause = components['schemas']['RemovalCause'];
export type ReopenedCve = components['schemas']['ReopenedCve'];
export type ReplanRolloutBody = components['schemas']['ReplanRolloutBody'];
export type ReplayDifference = components['schemas']['ReplayDifference'];
export type ReplayJob = components['schemas']['ReplayJob'];
export type ReplayStatus = components['schemas']['ReplayStatus'];
export type ReportBatch = components['schemas']['ReportBatch'];
export type ReportReceipt = components['schemas']['ReportReceipt'];
export type Requested = components['schemas']['Requested'];
export type RequestedMode = components['schemas']['RequestedMode'];
export type ResumeBody = components['schemas']['ResumeBody'];
export type Resumption = components['schemas']['Resumption'];
export type RolloutEvidence = components['schemas']['RolloutEvidence'];
export type RolloutPage = components['schemas']['RolloutPage'];
export type RolloutPoint = components['schemas']['RolloutPoint'];
export type RolloutPreview = components['schemas']['RolloutPreview'];
export type RolloutStatus = components['schemas']['RolloutStatus'];
export type RolloutTimelineView = components['schemas']['RolloutTimelineView'];
export type RolloutView = components['schemas']['RolloutView'];
export type RuleCode = components['schemas']['RuleCode'];
export type RuleOutcome = components['schemas']['RuleOutcome'];
export type RuleView = components['schemas']['RuleView'];
export type SeriesPoint = components['schemas']['SeriesPoint'];
export type SetClockBody = components['schemas']['SetClockBody'];
export type Severity = components['schemas']['Severity'];
export type ShardCover = components['schemas']['ShardCover'];
export type ShardThrough = components['schemas']['ShardThrough'];
export type ShardThroughView = components['schemas']['ShardThroughView'];
export type SliceOfPatch = components['schemas']['SliceOfPatch'];
export type SlicePreview = components['schemas']['SlicePreview'];
export type SourceSignsView = components['schemas']['SourceSignsView'];
export type StartReplayBody = components['schemas']['StartReplayBody'];
export type StateCounts = components['schemas']['StateCounts'];
export type StillParked = components['schemas']['StillParked'];
export type StopBody = components['schemas']['StopBody'];
export type StopEverythingBody = components['schemas']['StopEverythingBody'];
export type StopInForce = components['schemas']['StopInForce'];
export type StreamPlace = components['schemas']['StreamPlace'];
export type StreamPlaceView = components['schemas']['StreamPlaceView'];
export type SumEvidence = components['schemas']['SumEvidence'];
export type TakeAttentionBody = components['schemas']['TakeAttentionBody'];
export type TestWebhooksBody = components['schemas']['TestWebhooksBody'];
export type TimelineMark = components['schemas']['TimelineMark'];
export type TokenBinding = components['schemas']['TokenBinding'];
export type TokenPage = components['schemas']['TokenPage'];
export type TokenRole = components['schemas']['TokenRole'];
export type TokenView = components['schemas']['TokenView'];
export type Track = components['schemas']['Track'];
export type UnstoredStopView = components['schemas']['UnstoredStopView'];
export type Variant = components['schemas']['Variant'];
export type WaitCode = components['schemas']['WaitCode'];
export type WaitReasonView = components['schemas']['WaitReasonView'];
export type WaitingStop = components['schemas']['WaitingStop'];
export type Wave = components['schemas']['Wave'];
export type WaveNote = components['schemas']['WaveNote'];
export type WavePreview = components['schemas']['WavePreview'];
export type WebhookFailure = components['schemas']['WebhookFailure'];
export type WebhookFormat = components['schemas']['WebhookFormat'];
export type WebhookPage = components['schemas']['WebhookPage'];
export type WebhookReceiver = components['schemas']['WebhookReceiver'];
export type WebhookReceiverState = components['schemas']['WebhookReceiverState'];
export type WebhookTest = components['schemas']['WebhookTest'];
export type WebhookTestOutcome = components['schemas']['WebhookTestOutcome'];
export type WebhookTests = components['schemas']['WebhookTests'];
export type ResponseBodyTooLarge = components['responses']['BodyTooLarge'];
export type ResponseConflict = components['responses']['Conflict'];
export type ResponseForbidden = components['responses']['Forbidden'];
export type ResponseHeadersTooLarge = components['responses']['HeadersTooLarge'];
export type ResponseInternal = components['responses']['Internal'];
export type ResponseInvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep =
  components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
export type ResponseInvalidRequestOrMalformedRequest = components['responses']['InvalidRequestOrMalformedRequest'];
export type ResponseInvalidRequestOrMalformedRequestOrNestedTooDeep =
  components['responses']['InvalidRequestOrMalformedRequestOrNestedTooDeep'];
export type ResponseKeyReused = components['responses']['KeyReused'];
export type ResponseNotReadyOrOverloadedOrShuttingDown = components['responses']['NotReadyOrOverloadedOrShuttingDown'];
export type ResponseNotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable =
  components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
export type ResponseNotReadyOrOverloadedOrShuttingDownOrTokensUnavailable =
  components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
export type ResponseRequestTooSlow = components['responses']['RequestTooSlow'];
export type ResponseUnauthenticated = components['responses']['Unauthenticated'];
export type ResponseUnsupportedMediaType = components['responses']['UnsupportedMediaType'];
export type ParameterIdempotencyKey = components['parameters']['IdempotencyKey'];
export type ParameterIdempotencyKeyOfStop = components['parameters']['IdempotencyKeyOfStop'];
export type $defs = Record<string, never>;
export interface operations {
  readAsyncApi: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description AsyncAPI 3. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': Record<string, never>;
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  isLive: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Liveness'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDown'];
    };
  };
  isReady: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Readiness'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDown'];
    };
  };
  readMetrics: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The text format of Prometheus. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'text/plain': string;
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  readOpenApi: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OpenAPI 3.1. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': Record<string, never>;
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  showApplied: {
    parameters: {
      query?: {
        /** @description Answer once all that follows the catalog has applied this position of it. */
        catalog?: string;
        /** @description The same for positions of telemetry. */
        telemetry?: string;
        /** @description The same for the own store. */
        own?: string;
        /** @description Answer once what follows telemetry knows that the health of all shards is counted up to then (milliseconds since 1970). */
        through?: number;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Applied'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  listAttention: {
    parameters: {
      query?: {
        /** @description At most so many items; a page may hold fewer, and still not be the last. */
        limit?: number;
        /** @description `nextCursor` of the page before. The list goes on there, whatever was added or taken away meanwhile. */
        cursor?: string;
        kind?: components['schemas']['AttentionKind'];
        /** @description Only items that somebody has taken, or that nobody has. */
        taken?: boolean;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['AttentionPage'];
        };
      };
      /**
       * @description `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `unknown-cursor`: The cursor is not the `nextCursor` of a page of this list. Begin anew.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'invalid-request' | 'malformed-request' | 'unknown-cursor';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  takeAttention: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path: {
        /** @description The id of an item. */
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['TakeAttentionBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['AttentionItem'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `attention-not-found`: Nothing needs attention under this id (any more). `sluice attention` lists all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'attention-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `attention-taken`: Somebody else has taken it: `current` says who. Name the owner in `from` to take it over.
       *
       *     `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'attention-taken' | 'conflict';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  listAudit: {
    parameters: {
      query?: {
        /** @description At most so many items; a page may hold fewer, and still not be the last. */
        limit?: number;
        /** @description `nextCursor` of the page before. The list goes on there, whatever was added or taken away meanwhile. */
        cursor?: string;
        /** @description The name of a token, or its id. */
        actor?: string;
        /** @description What the operation has in it: `/pull`, or `POST /v1/holds`. */
        operation?: string;
        /** @description The result: `ok`, or the code of an error. */
        code?: string;
        /** @description The id of what the command is about. */
        target?: string;
        /** @description From this instant on. */
        from?: string;
        /** @description Up to this instant. */
        to?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['AuditPage'];
        };
      };
      /**
       * @description `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `unknown-cursor`: The cursor is not the `nextCursor` of a page of this list. Begin anew.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'invalid-request' | 'malformed-request' | 'unknown-cursor';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  checkIn: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['CheckIn'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['Directive'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      /**
       * @description `device-forbidden`: The token may not speak for this device.
       *
       *     `forbidden`: The token has not the role that this call needs.
       */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 403;
            /** @enum {unknown} */
            code?: 'device-forbidden' | 'forbidden';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  checkInMany: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['CheckInBatch'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['CheckInAnswers'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  showClock: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ClockView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  setClock: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['SetClockBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ClockSet'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `clock-not-manual`: The clock moves by itself. Only `--clock manual` lets others move it.
       *
       *     `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'clock-not-manual' | 'conflict';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  acceptClock: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['AcceptClockBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ClockView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `clock-is-sound`: The clock is sound: there is nothing to accept.
       *
       *     `clock-moved-on`: The difference is another one by now. `sluice clock` shows it.
       *
       *     `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'clock-is-sound' | 'clock-moved-on' | 'conflict';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  listDeadLetters: {
    parameters: {
      query?: {
        /** @description At most so many items; a page may hold fewer, and still not be the last. */
        limit?: number;
        /** @description `nextCursor` of the page before. The list goes on there, whatever was added or taken away meanwhile. */
        cursor?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['DeadLetters'];
        };
      };
      /**
       * @description `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `unknown-cursor`: The cursor is not the `nextCursor` of a page of this list. Begin anew.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'invalid-request' | 'malformed-request' | 'unknown-cursor';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  showDeadLetter: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of a parked event. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['DeadLetterDetails'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `dead-letter-not-found`: Nothing is parked under this id. `sluice dlq list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'dead-letter-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  discardDeadLetter: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path: {
        /** @description The id of a parked event. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['StillParked'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `dead-letter-not-found`: Nothing is parked under this id. `sluice dlq list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'dead-letter-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `dead-letter-behind`: The event waits behind another one of its stream. Decide on the first one.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'conflict' | 'dead-letter-behind';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  retryDeadLetter: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path: {
        /** @description The id of a parked event. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['StillParked'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `dead-letter-not-found`: Nothing is parked under this id. `sluice dlq list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'dead-letter-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `dead-letter-behind`: The event waits behind another one of its stream. Decide on the first one.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'conflict' | 'dead-letter-behind';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  listDevices: {
    parameters: {
      query?: {
        patchId?: string;
        /** @description Devices with a patch (or this patch) in this state. */
        state?: components['schemas']['PatchState'];
        /** @description That failed so often to remove a patch, or this one. */
        failedRemovals?: number;
        platform?: components['schemas']['Platform'];
        /** @description Base build. */
        base?: string;
        model?: string;
        track?: components['schemas']['Track'];
        ring?: string;
        region?: string;
        /** @description Devices of which this is odd. */
        flag?: components['schemas']['DeviceFlag'];
        /** @description Devices not heard of since then. */
        silentSince?: string;
        /** @description Devices whose id begins so. */
        q?: string;
        /** @description At most so many items; a page may hold fewer, and still not be the last. */
        limit?: number;
        /** @description `nextCursor` of the page before; the first page if absent. */
        cursor?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['DevicePage'];
        };
      };
      /**
       * @description `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `unknown-cursor`: The cursor is not the `nextCursor` of a page of this list. Begin anew.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'invalid-request' | 'malformed-request' | 'unknown-cursor';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      /**
       * @description `not-ready`: The service has not caught up yet. Try again in a few seconds.
       *
       *     `overloaded`: Too much is waiting. Try again after the time in `Retry-After`.
       *
       *     `shard-without-owner`: No instance answers for this part of the fleet now. Try again shortly.
       *
       *     `shutting-down`: The service is stopping. Try again when it has been started again.
       *
       *     `tokens-unavailable`: Not all tokens are known here now, so nobody can say whether this one is good. Try again shortly.
       */
      503: {
        headers: {
          /** @description Try again after so many seconds. */
          'Retry-After'?: number;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 503;
            /** @enum {unknown} */
            code?: 'not-ready' | 'overloaded' | 'shard-without-owner' | 'shutting-down' | 'tokens-unavailable';
          };
        };
      };
    };
  };
  showDevice: {
    parameters: {
      query?: {
        /** @description As of this instant, in recorded time; now if not given. */
        at?: string;
      };
      header?: never;
      path: {
        /** @description The id of a device. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['DeviceView'];
        };
      };
      /**
       * @description `at-in-future`: Nobody knows the future yet.
       *
       *     `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'at-in-future' | 'invalid-request' | 'malformed-request';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `device-not-found`: Nothing was heard of this device. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'device-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      /**
       * @description `not-ready`: The service has not caught up yet. Try again in a few seconds.
       *
       *     `overloaded`: Too much is waiting. Try again after the time in `Retry-After`.
       *
       *     `shard-without-owner`: No instance answers for this part of the fleet now. Try again shortly.
       *
       *     `shutting-down`: The service is stopping. Try again when it has been started again.
       *
       *     `tokens-unavailable`: Not all tokens are known here now, so nobody can say whether this one is good. Try again shortly.
       */
      503: {
        headers: {
          /** @description Try again after so many seconds. */
          'Retry-After'?: number;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 503;
            /** @enum {unknown} */
            code?: 'not-ready' | 'overloaded' | 'shard-without-owner' | 'shutting-down' | 'tokens-unavailable';
          };
        };
      };
    };
  };
  retireDevice: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path: {
        /** @description The id of a device. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['DeviceView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `device-not-found`: Nothing was heard of this device. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'device-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      409: components['responses']['Conflict'];
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      /**
       * @description `not-ready`: The service has not caught up yet. Try again in a few seconds.
       *
       *     `overloaded`: Too much is waiting. Try again after the time in `Retry-After`.
       *
       *     `shard-without-owner`: No instance answers for this part of the fleet now. Try again shortly.
       *
       *     `shutting-down`: The service is stopping. Try again when it has been started again.
       *
       *     `store-unavailable`: The store cannot write. Nothing of this request was kept.
       *
       *     `tokens-unavailable`: Not all tokens are known here now, so nobody can say whether this one is good. Try again shortly.
       */
      503: {
        headers: {
          /** @description Try again after so many seconds. */
          'Retry-After'?: number;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 503;
            /** @enum {unknown} */
            code?:
              | 'not-ready'
              | 'overloaded'
              | 'shard-without-owner'
              | 'shutting-down'
              | 'store-unavailable'
              | 'tokens-unavailable';
          };
        };
      };
    };
  };
  showDeviceTimeline: {
    parameters: {
      query?: {
        /** @description At most so many items; a page may hold fewer, and still not be the last. */
        limit?: number;
        /** @description `nextCursor` of the page before. The list goes on there, whatever was added or taken away meanwhile. */
        cursor?: string;
        /** @description Recorded at this instant or after it. */
        from?: string;
        /** @description Recorded at this instant or before it. */
        to?: string;
      };
      header?: never;
      path: {
        /** @description The id of a device. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['DeviceTimeline'];
        };
      };
      /**
       * @description `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `unknown-cursor`: The cursor is not the `nextCursor` of a page of this list. Begin anew.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'invalid-request' | 'malformed-request' | 'unknown-cursor';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `device-not-found`: Nothing was heard of this device. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'device-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  explainDevice: {
    parameters: {
      query: {
        /** @description The device to be explained, by its last reports. */
        deviceId: string;
        /** @description What becomes of this patch on the device; its whole answer if not given. */
        patchId?: string;
        /** @description As of this instant, in recorded time; now if not given. */
        at?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ExplanationView'];
        };
      };
      /**
       * @description `at-before-first-record`: Nothing was recorded by then. `detail` says when the past begins.
       *
       *     `at-in-future`: Nobody knows the future yet.
       *
       *     `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'at-before-first-record' | 'at-in-future' | 'invalid-request' | 'malformed-request';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `patch-not-found`: There is no patch with this id. `sluice patch list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'patch-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  explainCheckIn: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['ExplainBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ExplanationView'];
        };
      };
      /**
       * @description `at-before-first-record`: Nothing was recorded by then. `detail` says when the past begins.
       *
       *     `at-in-future`: Nobody knows the future yet.
       *
       *     `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-json`: The body is not valid JSON.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `nested-too-deep`: Objects and lists lie inside one another more than 32 deep.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?:
              | 'at-before-first-record'
              | 'at-in-future'
              | 'invalid-request'
              | 'malformed-json'
              | 'malformed-request'
              | 'nested-too-deep';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `patch-not-found`: There is no patch with this id. `sluice patch list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'patch-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  readFeed: {
    parameters: {
      query?: {
        /** @description Events after this position, `end` for those to come only; with `order=newest` those before it. From the beginning (newest: from the end) if absent. The header `Last-Event-ID` says the same, and counts before it. */
        from?: string;
        /** @description Comma-separated topics of this service; all but `access` if absent. (catalog|rollouts|fleet|health|access) `access` is for peers and admins. Where instances share the fleet, the topic fleet holds the facts of those shards only that this instance owns at that moment; a place before that was not seen is to be read as a stream, or from Kafka. */
        topics?: string;
        /** @description Comma-separated types of events: PatchPulled,RolloutHalted. */
        types?: string;
        /** @description Events about this patch, those of its rollouts, holds and recalls among them. */
        patchId?: string;
        /** @description Events about this device. */
        deviceId?: string;
        /** @description Events that this actor caused. */
        actor?: string;
        /** @description Events recorded at this time or later. */
        since?: string;
        /** @description Events recorded before this time. */
        until?: string;
        /** @description Of pages; a stream is always oldest first. */
        order?: components['schemas']['FeedOrder'];
        /** @description Only this stream, from `fromRevision` on (JSON only); what else is asked for does not count then, but `limit`. Any instance answers. */
        stream?: string;
        /** @description With `stream`: from this commit of it on; from its first if absent. */
        fromRevision?: number;
        /** @description Events a page (JSON only). A commit is never cut in two, so that a page may hold more; one that has looked long holds fewer. */
        limit?: number;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A page, or frames: `event` with a FeedEventView, `progress` with a FeedProgress, at last `end` with a FeedEnd. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['FeedPage'] | components['schemas']['FeedStreamPage'];
          'text/event-stream': string;
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `beyond-end`: The store has not come to this position: it was restored or replaced. Read it from the beginning.
       *
       *     `other-lineage`: The position is of another past than the store holds now. Read it from the beginning.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'beyond-end' | 'other-lineage';
          };
        };
      };
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      /**
       * @description `not-ready`: The service has not caught up yet. Try again in a few seconds.
       *
       *     `overloaded`: Too much is waiting. Try again after the time in `Retry-After`.
       *
       *     `shard-without-owner`: No instance answers for this part of the fleet now. Try again shortly.
       *
       *     `shutting-down`: The service is stopping. Try again when it has been started again.
       *
       *     `tokens-unavailable`: Not all tokens are known here now, so nobody can say whether this one is good. Try again shortly.
       *
       *     `too-many-readers`: As many read the feed as may at once. Try again after `Retry-After`.
       */
      503: {
        headers: {
          /** @description Try again after so many seconds. */
          'Retry-After'?: number;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 503;
            /** @enum {unknown} */
            code?:
              | 'not-ready'
              | 'overloaded'
              | 'shard-without-owner'
              | 'shutting-down'
              | 'tokens-unavailable'
              | 'too-many-readers';
          };
        };
      };
    };
  };
  showFleet: {
    parameters: {
      query?: {
        /** @description As of this instant, in recorded time; now if not given. */
        at?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['FleetView'];
        };
      };
      /**
       * @description `at-in-future`: Nobody knows the future yet.
       *
       *     `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'at-in-future' | 'invalid-request' | 'malformed-request';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      /**
       * @description `not-ready`: The service has not caught up yet. Try again in a few seconds.
       *
       *     `overloaded`: Too much is waiting. Try again after the time in `Retry-After`.
       *
       *     `shard-without-owner`: No instance answers for this part of the fleet now. Try again shortly.
       *
       *     `shutting-down`: The service is stopping. Try again when it has been started again.
       *
       *     `tokens-unavailable`: Not all tokens are known here now, so nobody can say whether this one is good. Try again shortly.
       */
      503: {
        headers: {
          /** @description Try again after so many seconds. */
          'Retry-After'?: number;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 503;
            /** @enum {unknown} */
            code?: 'not-ready' | 'overloaded' | 'shard-without-owner' | 'shutting-down' | 'tokens-unavailable';
          };
        };
      };
    };
  };
  showFleetSeries: {
    parameters: {
      query: {
        patchId: string;
        /** @description The first instant; the first count of the patch if not given. */
        from?: string;
        /** @description The last instant; the last count if not given. */
        to?: string;
        /** @description At most so many points. */
        points?: number;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['FleetSeries'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  showHealth: {
    parameters: {
      query: {
        patchId: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['PatchHealth'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  listHolds: {
    parameters: {
      query?: {
        /** @description At most so many items; a page may hold fewer, and still not be the last. */
        limit?: number;
        /** @description `nextCursor` of the page before. The list goes on there, whatever was added or taken away meanwhile. */
        cursor?: string;
        status?: components['schemas']['HoldStatus'];
        /** @description As of this instant, in recorded time; now if not given. */
        at?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['HoldPage'];
        };
      };
      /**
       * @description `at-before-first-record`: Nothing was recorded by then. `detail` says when the past begins.
       *
       *     `at-in-future`: Nobody knows the future yet.
       *
       *     `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `unknown-cursor`: The cursor is not the `nextCursor` of a page of this list. Begin anew.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?:
              'at-before-first-record' | 'at-in-future' | 'invalid-request' | 'malformed-request' | 'unknown-cursor';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  placeHold: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['PlaceHoldBody'];
      };
    };
    responses: {
      /** @description OK */
      201: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['PlacedHold'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `expiry-in-past`: It would have expired already.
       *
       *     `hold-exists`: A hold with this id exists already.
       *
       *     `patch-unknown`: The patch of the rollout is not known here (yet). Publish it first.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'conflict' | 'expiry-in-past' | 'hold-exists' | 'patch-unknown';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      /**
       * @description `in-force-not-durable`: The stop is in force here, but not stored yet. It is tried again each second; nothing has to be sent again.
       *
       *     `not-ready`: The service has not caught up yet. Try again in a few seconds.
       *
       *     `overloaded`: Too much is waiting. Try again after the time in `Retry-After`.
       *
       *     `shutting-down`: The service is stopping. Try again when it has been started again.
       *
       *     `store-unavailable`: The store cannot write. Nothing of this request was kept.
       *
       *     `tokens-unavailable`: Not all tokens are known here now, so nobody can say whether this one is good. Try again shortly.
       */
      503: {
        headers: {
          /** @description Try again after so many seconds. */
          'Retry-After'?: number;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 503;
            /** @enum {unknown} */
            code?:
              | 'in-force-not-durable'
              | 'not-ready'
              | 'overloaded'
              | 'shutting-down'
              | 'store-unavailable'
              | 'tokens-unavailable';
          };
        };
      };
    };
  };
  liftHold: {
    parameters: {
      query?: never;
      header?: {
        /** @description The ETag of what was looked at: at another version the call is refused with `revision-changed`. */
        'If-Match'?: string;
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path: {
        /** @description The id of a hold. */
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['ReasonBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['HoldView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `hold-not-found`: There is no hold with this id. `sluice hold list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'hold-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `hold-not-active`: The hold was lifted or has expired.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'conflict' | 'hold-not-active';
          };
        };
      };
      /** @description `revision-changed`: It has changed since you looked at it. Look at `current`, then repeat with its ETag. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 412;
            /** @enum {unknown} */
            code?: 'revision-changed';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  importPatches: {
    parameters: {
      query: {
        /** @description The format of the file: `sofa-v2`. */
        format: string;
        /** @description Reports the same, and writes nothing. */
        dryRun?: boolean;
        /** @description What the report calls the file. */
        source?: string;
      };
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path?: never;
      cookie?: never;
    };
    /** @description The file as it is. */
    requestBody: {
      content: {
        'application/json': unknown;
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ImportReport'];
        };
      };
      /**
       * @description `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-json`: The body is not valid JSON.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `nothing-to-import`: The file holds nothing that this format knows.
       *
       *     `unknown-import-format`: This import format is not known. Formats: sofa-v2.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?:
              | 'invalid-request'
              | 'malformed-json'
              | 'malformed-request'
              | 'nothing-to-import'
              | 'unknown-import-format';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      409: components['responses']['Conflict'];
      413: components['responses']['BodyTooLarge'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  showMe: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['MeView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  listPatches: {
    parameters: {
      query?: {
        /** @description At most so many items; a page may hold fewer, and still not be the last. */
        limit?: number;
        /** @description `nextCursor` of the page before. The list goes on there, whatever was added or taken away meanwhile. */
        cursor?: string;
        platform?: components['schemas']['Platform'];
        status?: components['schemas']['PatchStatus'];
        baseVersion?: string;
        /** @description As of this instant, in recorded time; now if not given. */
        at?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['PatchPage'];
        };
      };
      /**
       * @description `at-in-future`: Nobody knows the future yet.
       *
       *     `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `unknown-cursor`: The cursor is not the `nextCursor` of a page of this list. Begin anew.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'at-in-future' | 'invalid-request' | 'malformed-request' | 'unknown-cursor';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  publishPatch: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['PublishPatchBody'];
      };
    };
    responses: {
      /** @description It was published before. What the body has beyond that was added. */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['PatchView'];
        };
      };
      /** @description OK */
      201: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['PatchView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `build-taken`: The build belongs to another patch of this platform.
       *
       *     `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `letter-taken`: Another patch has this letter for this base build and model. A re-issue takes a later letter.
       *
       *     `patch-exists`: A patch with this id was published with another content.
       *
       *     `patch-pulled`: The patch was pulled, and a pull is never undone. Publish a re-issue.
       *
       *     `prerequisite-is-patch`: A patch is for a base build, and this is the build of a patch. Name the base build of that one.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?:
              'build-taken' | 'conflict' | 'letter-taken' | 'patch-exists' | 'patch-pulled' | 'prerequisite-is-patch';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  showPatch: {
    parameters: {
      query?: {
        /** @description As of this instant, in recorded time; now if not given. */
        at?: string;
      };
      header?: never;
      path: {
        /** @description The id of a patch. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['PatchView'];
        };
      };
      /**
       * @description `at-in-future`: Nobody knows the future yet.
       *
       *     `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'at-in-future' | 'invalid-request' | 'malformed-request';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `patch-not-found`: There is no patch with this id. `sluice patch list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'patch-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  foldInPatch: {
    parameters: {
      query?: never;
      header?: {
        /** @description The ETag of what was looked at: at another version the call is refused with `revision-changed`. */
        'If-Match'?: string;
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path: {
        /** @description The id of a patch. */
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['FoldInPatchBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['PatchView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `patch-not-found`: There is no patch with this id. `sluice patch list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'patch-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `patch-folded-in`: The patch was folded into another full release before.
       *
       *     `release-not-later`: Only a full release later than the base of the patch can contain it.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'conflict' | 'patch-folded-in' | 'release-not-later';
          };
        };
      };
      /** @description `revision-changed`: It has changed since you looked at it. Look at `current`, then repeat with its ETag. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 412;
            /** @enum {unknown} */
            code?: 'revision-changed';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  pullPatch: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. One that is malformed, or stands for another request, counts as none. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKeyOfStop'];
      };
      path: {
        /** @description The id of a patch. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: {
      content: {
        'application/json': components['schemas']['PullPatchBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['PatchView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `patch-not-found`: There is no patch with this id. `sluice patch list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'patch-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `ledger-changed`: The recall names another re-exposure ledger than the present one. Read `current`, then repeat with its `digest` as `ledgerDigest`. To stop the patch now, withdraw it: that needs nothing.
       *
       *     `ledger-not-named`: The recall re-opens exploited CVEs, so it names what was seen of that. Read `current`, then repeat with its `digest` as `ledgerDigest`. To stop the patch now, withdraw it: that needs nothing.
       *
       *     `patch-already-recalled`: The patch was recalled before. A recall is not undone; another replacement or pace can be named.
       *
       *     `replacement-unsuitable`: The replacement must be another patch of the same platform and base, not pulled.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?:
              'conflict' | 'ledger-changed' | 'ledger-not-named' | 'patch-already-recalled' | 'replacement-unsuitable';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      /**
       * @description `in-force-not-durable`: The stop is in force here, but not stored yet. It is tried again each second; nothing has to be sent again.
       *
       *     `not-ready`: The service has not caught up yet. Try again in a few seconds.
       *
       *     `overloaded`: Too much is waiting. Try again after the time in `Retry-After`.
       *
       *     `shutting-down`: The service is stopping. Try again when it has been started again.
       *
       *     `store-late`: The store has not answered in time. Whether this request is kept is not known. Send it again.
       *
       *     `store-unavailable`: The store cannot write. Nothing of this request was kept.
       *
       *     `tokens-unavailable`: Not all tokens are known here now, so nobody can say whether this one is good. Try again shortly.
       */
      503: {
        headers: {
          /** @description Try again after so many seconds. */
          'Retry-After'?: number;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 503;
            /** @enum {unknown} */
            code?:
              | 'in-force-not-durable'
              | 'not-ready'
              | 'overloaded'
              | 'shutting-down'
              | 'store-late'
              | 'store-unavailable'
              | 'tokens-unavailable';
          };
        };
      };
    };
  };
  showReExposure: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of a patch. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ReExposureView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `patch-not-found`: There is no patch with this id. `sluice patch list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'patch-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  listRecalls: {
    parameters: {
      query?: {
        /** @description At most so many items; a page may hold fewer, and still not be the last. */
        limit?: number;
        /** @description `nextCursor` of the page before. The list goes on there, whatever was added or taken away meanwhile. */
        cursor?: string;
        /** @description As of this instant, in recorded time; now if not given. */
        at?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RecallPage'];
        };
      };
      /**
       * @description `at-before-first-record`: Nothing was recorded by then. `detail` says when the past begins.
       *
       *     `at-in-future`: Nobody knows the future yet.
       *
       *     `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `unknown-cursor`: The cursor is not the `nextCursor` of a page of this list. Begin anew.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?:
              'at-before-first-record' | 'at-in-future' | 'invalid-request' | 'malformed-request' | 'unknown-cursor';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  showRecall: {
    parameters: {
      query?: {
        /** @description As of this instant, in recorded time; now if not given. */
        at?: string;
      };
      header?: never;
      path: {
        /** @description The id of the recalled patch. */
        patchId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RecallView'];
        };
      };
      /**
       * @description `at-before-first-record`: Nothing was recorded by then. `detail` says when the past begins.
       *
       *     `at-in-future`: Nobody knows the future yet.
       *
       *     `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'at-before-first-record' | 'at-in-future' | 'invalid-request' | 'malformed-request';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `recall-not-found`: This patch was not recalled. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'recall-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  pauseRecall: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. One that is malformed, or stands for another request, counts as none. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKeyOfStop'];
      };
      path: {
        /** @description The id of the recalled patch. */
        patchId: string;
      };
      cookie?: never;
    };
    requestBody?: {
      content: {
        'application/json': components['schemas']['StopBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RecallView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `recall-not-found`: This patch was not recalled. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'recall-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `recall-not-running`: The recall is completed.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'conflict' | 'recall-not-running';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  previewRecall: {
    parameters: {
      query?: {
        /** @description The replacement that the recall would name. */
        replacement?: string;
      };
      header?: never;
      path: {
        /** @description The id of the recalled patch. */
        patchId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RecallPreview'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `patch-not-found`: There is no patch with this id. `sluice patch list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'patch-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  resumeRecall: {
    parameters: {
      query?: never;
      header?: {
        /** @description The ETag of what was looked at: at another version the call is refused with `revision-changed`. */
        'If-Match'?: string;
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path: {
        /** @description The id of the recalled patch. */
        patchId: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['ResumeBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RecallView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `recall-not-found`: This patch was not recalled. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'recall-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `evidence-not-named`: What a gate or a responder stopped is resumed only with `evidenceSeen`: say what you looked at.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'conflict' | 'evidence-not-named';
          };
        };
      };
      /** @description `revision-changed`: It has changed since you looked at it. Look at `current`, then repeat with its ETag. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 412;
            /** @enum {unknown} */
            code?: 'revision-changed';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  showRecallTimeline: {
    parameters: {
      query?: {
        /** @description At most so many instants, evenly from the begin to now or to the end. */
        points?: number;
      };
      header?: never;
      path: {
        /** @description The id of the recalled patch. */
        patchId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RecallTimelineView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `recall-not-found`: This patch was not recalled. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'recall-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  startReplay: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['StartReplayBody'];
      };
    };
    responses: {
      /** @description OK */
      202: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ReplayJob'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `replay-running`: A replay is under way already.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'conflict' | 'replay-running';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  showReplay: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of a replay. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ReplayJob'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `replay-not-found`: There is no replay with this id. Jobs are forgotten at a restart. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'replay-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  sendReports: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['ReportBatch'];
      };
    };
    responses: {
      /** @description OK */
      202: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['ReportReceipt'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      /**
       * @description `not-ready`: The service has not caught up yet. Try again in a few seconds.
       *
       *     `overloaded`: Too much is waiting. Try again after the time in `Retry-After`.
       *
       *     `shard-without-owner`: No instance answers for this part of the fleet now. Try again shortly.
       *
       *     `shutting-down`: The service is stopping. Try again when it has been started again.
       *
       *     `store-unavailable`: The store cannot write. Nothing of this request was kept.
       *
       *     `tokens-unavailable`: Not all tokens are known here now, so nobody can say whether this one is good. Try again shortly.
       */
      503: {
        headers: {
          /** @description Try again after so many seconds. */
          'Retry-After'?: number;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 503;
            /** @enum {unknown} */
            code?:
              | 'not-ready'
              | 'overloaded'
              | 'shard-without-owner'
              | 'shutting-down'
              | 'store-unavailable'
              | 'tokens-unavailable';
          };
        };
      };
    };
  };
  listRollouts: {
    parameters: {
      query?: {
        /** @description At most so many items; a page may hold fewer, and still not be the last. */
        limit?: number;
        /** @description `nextCursor` of the page before. The list goes on there, whatever was added or taken away meanwhile. */
        cursor?: string;
        /** @description Rollouts of this patch only. */
        patchId?: string;
        status?: components['schemas']['RolloutStatus'];
        /** @description As of this instant, in recorded time; now if not given. */
        at?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RolloutPage'];
        };
      };
      /**
       * @description `at-before-first-record`: Nothing was recorded by then. `detail` says when the past begins.
       *
       *     `at-in-future`: Nobody knows the future yet.
       *
       *     `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `unknown-cursor`: The cursor is not the `nextCursor` of a page of this list. Begin anew.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?:
              'at-before-first-record' | 'at-in-future' | 'invalid-request' | 'malformed-request' | 'unknown-cursor';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  planRollout: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['PlanRolloutBody'];
      };
    };
    responses: {
      /** @description The same plan was there already. */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RolloutView'];
        };
      };
      /** @description OK */
      201: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RolloutView'];
        };
      };
      /**
       * @description `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-json`: The body is not valid JSON.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `nested-too-deep`: Objects and lists lie inside one another more than 32 deep.
       *
       *     `plan-not-valid`: The plan of the rollout is not valid.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'invalid-request' | 'malformed-json' | 'malformed-request' | 'nested-too-deep' | 'plan-not-valid';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `patch-pulled`: The patch was pulled, and a pull is never undone. Publish a re-issue.
       *
       *     `patch-unknown`: The patch of the rollout is not known here (yet). Publish it first.
       *
       *     `rollout-exists`: A rollout with this id exists already.
       *
       *     `start-in-past`: The start lies in the past.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'conflict' | 'patch-pulled' | 'patch-unknown' | 'rollout-exists' | 'start-in-past';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  showRollout: {
    parameters: {
      query?: {
        /** @description As of this instant, in recorded time; now if not given. */
        at?: string;
      };
      header?: never;
      path: {
        /** @description The id of a rollout. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RolloutView'];
        };
      };
      /**
       * @description `at-before-first-record`: Nothing was recorded by then. `detail` says when the past begins.
       *
       *     `at-in-future`: Nobody knows the future yet.
       *
       *     `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'at-before-first-record' | 'at-in-future' | 'invalid-request' | 'malformed-request';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `rollout-not-found`: There is no rollout with this id. `sluice rollout list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'rollout-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  replanRollout: {
    parameters: {
      query?: never;
      header: {
        /** @description The ETag of what was looked at: at another version the call is refused with `revision-changed`. */
        'If-Match': string;
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path: {
        /** @description The id of a rollout. */
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['ReplanRolloutBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RolloutView'];
        };
      };
      /**
       * @description `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-json`: The body is not valid JSON.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `nested-too-deep`: Objects and lists lie inside one another more than 32 deep.
       *
       *     `plan-not-valid`: The plan of the rollout is not valid.
       *
       *     `reason-missing`: A rollout under way is replanned only with a `reason`.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?:
              | 'invalid-request'
              | 'malformed-json'
              | 'malformed-request'
              | 'nested-too-deep'
              | 'plan-not-valid'
              | 'reason-missing';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `rollout-not-found`: There is no rollout with this id. `sluice rollout list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'rollout-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `already-exposed`: The plan would take back what was exposed already.
       *
       *     `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `patch-pulled`: The patch was pulled, and a pull is never undone. Publish a re-issue.
       *
       *     `patch-unknown`: The patch of the rollout is not known here (yet). Publish it first.
       *
       *     `rollout-over`: The rollout is over.
       *
       *     `start-in-past`: The start lies in the past.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'already-exposed' | 'conflict' | 'patch-pulled' | 'patch-unknown' | 'rollout-over' | 'start-in-past';
          };
        };
      };
      /** @description `revision-changed`: It has changed since you looked at it. Look at `current`, then repeat with its ETag. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 412;
            /** @enum {unknown} */
            code?: 'revision-changed';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      /** @description `if-match-missing`: Send `If-Match` with the ETag of what you have seen: it is changed only as it was seen. */
      428: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 428;
            /** @enum {unknown} */
            code?: 'if-match-missing';
          };
        };
      };
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  abortRollout: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. One that is malformed, or stands for another request, counts as none. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKeyOfStop'];
      };
      path: {
        /** @description The id of a rollout. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: {
      content: {
        'application/json': components['schemas']['StopBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RolloutView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `rollout-not-found`: There is no rollout with this id. `sluice rollout list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'rollout-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `rollout-over`: The rollout is over.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'conflict' | 'rollout-over';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  advanceRollout: {
    parameters: {
      query?: never;
      header?: {
        /** @description The ETag of what was looked at: at another version the call is refused with `revision-changed`. */
        'If-Match'?: string;
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path: {
        /** @description The id of a rollout. */
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['AdvanceRolloutBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RolloutView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `rollout-not-found`: There is no rollout with this id. `sluice rollout list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'rollout-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `approval-missing`: The plan is not approved by enough people. Others than who planned it approve it with `sluice rollout approve`.
       *
       *     `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `gate-says-stop`: A gate says stop. Look at the evidence; an unhealthy wave cannot be advanced.
       *
       *     `rollout-not-running`: The rollout is not running.
       *
       *     `rollout-over`: The rollout is over.
       *
       *     `wave-not-open`: The wave is not open yet. `sluice rollout show` says which one is.
       *
       *     `wave-waits`: The wave waits: `waitsFor` says for what. An operator passes missing evidence with `force`, but not blindness.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?:
              | 'approval-missing'
              | 'conflict'
              | 'gate-says-stop'
              | 'rollout-not-running'
              | 'rollout-over'
              | 'wave-not-open'
              | 'wave-waits';
          };
        };
      };
      /** @description `revision-changed`: It has changed since you looked at it. Look at `current`, then repeat with its ETag. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 412;
            /** @enum {unknown} */
            code?: 'revision-changed';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  approveRollout: {
    parameters: {
      query?: never;
      header: {
        /** @description The ETag of what was looked at: at another version the call is refused with `revision-changed`. */
        'If-Match': string;
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path: {
        /** @description The id of a rollout. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RolloutView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `rollout-not-found`: There is no rollout with this id. `sluice rollout list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'rollout-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `approval-own-plan`: Who has planned it does not approve it. Another person has to.
       *
       *     `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `rollout-over`: The rollout is over.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'approval-own-plan' | 'conflict' | 'rollout-over';
          };
        };
      };
      /** @description `revision-changed`: It has changed since you looked at it. Look at `current`, then repeat with its ETag. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 412;
            /** @enum {unknown} */
            code?: 'revision-changed';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      /** @description `if-match-missing`: Send `If-Match` with the ETag of what you have seen: it is changed only as it was seen. */
      428: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 428;
            /** @enum {unknown} */
            code?: 'if-match-missing';
          };
        };
      };
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  showRolloutEvidence: {
    parameters: {
      query?: {
        /** @description At most so many items; a page may hold fewer, and still not be the last. */
        limit?: number;
        /** @description `nextCursor` of the page before. */
        cursor?: string;
      };
      header?: never;
      path: {
        /** @description The id of a rollout. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RolloutEvidence'];
        };
      };
      /**
       * @description `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `unknown-cursor`: The cursor is not the `nextCursor` of a page of this list. Begin anew.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'invalid-request' | 'malformed-request' | 'unknown-cursor';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `rollout-not-found`: There is no rollout with this id. `sluice rollout list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'rollout-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `rollout-not-running`: The rollout is not running.
       *
       *     `rollout-over`: The rollout is over.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'rollout-not-running' | 'rollout-over';
          };
        };
      };
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  haltRollout: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. One that is malformed, or stands for another request, counts as none. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKeyOfStop'];
      };
      path: {
        /** @description The id of a rollout. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: {
      content: {
        'application/json': components['schemas']['StopBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RolloutView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `rollout-not-found`: There is no rollout with this id. `sluice rollout list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'rollout-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `rollout-not-running`: The rollout is not running.
       *
       *     `rollout-over`: The rollout is over.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'conflict' | 'rollout-not-running' | 'rollout-over';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      /**
       * @description `in-force-not-durable`: The stop is in force here, but not stored yet. It is tried again each second; nothing has to be sent again.
       *
       *     `not-ready`: The service has not caught up yet. Try again in a few seconds.
       *
       *     `overloaded`: Too much is waiting. Try again after the time in `Retry-After`.
       *
       *     `shutting-down`: The service is stopping. Try again when it has been started again.
       *
       *     `store-unavailable`: The store cannot write. Nothing of this request was kept.
       *
       *     `tokens-unavailable`: Not all tokens are known here now, so nobody can say whether this one is good. Try again shortly.
       */
      503: {
        headers: {
          /** @description Try again after so many seconds. */
          'Retry-After'?: number;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 503;
            /** @enum {unknown} */
            code?:
              | 'in-force-not-durable'
              | 'not-ready'
              | 'overloaded'
              | 'shutting-down'
              | 'store-unavailable'
              | 'tokens-unavailable';
          };
        };
      };
    };
  };
  pauseRollout: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. One that is malformed, or stands for another request, counts as none. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKeyOfStop'];
      };
      path: {
        /** @description The id of a rollout. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: {
      content: {
        'application/json': components['schemas']['StopBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RolloutView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `rollout-not-found`: There is no rollout with this id. `sluice rollout list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'rollout-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `rollout-not-running`: The rollout is not running.
       *
       *     `rollout-over`: The rollout is over.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'conflict' | 'rollout-not-running' | 'rollout-over';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      /**
       * @description `in-force-not-durable`: The stop is in force here, but not stored yet. It is tried again each second; nothing has to be sent again.
       *
       *     `not-ready`: The service has not caught up yet. Try again in a few seconds.
       *
       *     `overloaded`: Too much is waiting. Try again after the time in `Retry-After`.
       *
       *     `shutting-down`: The service is stopping. Try again when it has been started again.
       *
       *     `store-unavailable`: The store cannot write. Nothing of this request was kept.
       *
       *     `tokens-unavailable`: Not all tokens are known here now, so nobody can say whether this one is good. Try again shortly.
       */
      503: {
        headers: {
          /** @description Try again after so many seconds. */
          'Retry-After'?: number;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 503;
            /** @enum {unknown} */
            code?:
              | 'in-force-not-durable'
              | 'not-ready'
              | 'overloaded'
              | 'shutting-down'
              | 'store-unavailable'
              | 'tokens-unavailable';
          };
        };
      };
    };
  };
  previewRollout: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @description The id of a rollout. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RolloutPreview'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `rollout-not-found`: There is no rollout with this id. `sluice rollout list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'rollout-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /** @description `patch-unknown`: The patch of the rollout is not known here (yet). Publish it first. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'patch-unknown';
          };
        };
      };
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  resumeRollout: {
    parameters: {
      query?: never;
      header?: {
        /** @description The ETag of what was looked at: at another version the call is refused with `revision-changed`. */
        'If-Match'?: string;
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path: {
        /** @description The id of a rollout. */
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['ResumeBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RolloutView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `rollout-not-found`: There is no rollout with this id. `sluice rollout list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'rollout-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `approval-missing`: The plan is not approved by enough people. Others than who planned it approve it with `sluice rollout approve`.
       *
       *     `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `evidence-not-named`: What a gate or a responder stopped is resumed only with `evidenceSeen`: say what you looked at.
       *
       *     `rollout-not-stopped`: The rollout is neither paused nor halted.
       *
       *     `rollout-over`: The rollout is over.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'approval-missing' | 'conflict' | 'evidence-not-named' | 'rollout-not-stopped' | 'rollout-over';
          };
        };
      };
      /** @description `revision-changed`: It has changed since you looked at it. Look at `current`, then repeat with its ETag. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 412;
            /** @enum {unknown} */
            code?: 'revision-changed';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  startRollout: {
    parameters: {
      query?: never;
      header?: {
        /** @description The ETag of what was looked at: at another version the call is refused with `revision-changed`. */
        'If-Match'?: string;
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path: {
        /** @description The id of a rollout. */
        id: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['EvidenceBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RolloutView'];
        };
      };
      /**
       * @description `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-json`: The body is not valid JSON.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `nested-too-deep`: Objects and lists lie inside one another more than 32 deep.
       *
       *     `plan-not-valid`: The plan of the rollout is not valid.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'invalid-request' | 'malformed-json' | 'malformed-request' | 'nested-too-deep' | 'plan-not-valid';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `rollout-not-found`: There is no rollout with this id. `sluice rollout list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'rollout-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `approval-missing`: The plan is not approved by enough people. Others than who planned it approve it with `sluice rollout approve`.
       *
       *     `clock-unsound`: The wall's clock has jumped, so nothing starts. `sluice clock` shows by how much, and how to accept it.
       *
       *     `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `evidence-not-named`: What a gate or a responder stopped is resumed only with `evidenceSeen`: say what you looked at.
       *
       *     `patch-pulled`: The patch was pulled, and a pull is never undone. Publish a re-issue.
       *
       *     `patch-unknown`: The patch of the rollout is not known here (yet). Publish it first.
       *
       *     `rollout-not-planned`: Only a planned rollout can be started.
       *
       *     `rollout-of-patch-running`: Another rollout of this patch is under way. Abort it first, or wait.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?:
              | 'approval-missing'
              | 'clock-unsound'
              | 'conflict'
              | 'evidence-not-named'
              | 'patch-pulled'
              | 'patch-unknown'
              | 'rollout-not-planned'
              | 'rollout-of-patch-running';
          };
        };
      };
      /** @description `revision-changed`: It has changed since you looked at it. Look at `current`, then repeat with its ETag. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 412;
            /** @enum {unknown} */
            code?: 'revision-changed';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  showRolloutTimeline: {
    parameters: {
      query?: {
        /** @description At most so many instants, evenly from the begin to now or to the end. */
        points?: number;
      };
      header?: never;
      path: {
        /** @description The id of a rollout. */
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['RolloutTimelineView'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequest'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `rollout-not-found`: There is no rollout with this id. `sluice rollout list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'rollout-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  stopEverything: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. One that is malformed, or stands for another request, counts as none. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKeyOfStop'];
      };
      path?: never;
      cookie?: never;
    };
    requestBody?: {
      content: {
        'application/json': components['schemas']['StopEverythingBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          /** @description The version that was answered. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['StopInForce'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      409: components['responses']['Conflict'];
      413: components['responses']['BodyTooLarge'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      /**
       * @description `in-force-not-durable`: The stop is in force here, but not stored yet. It is tried again each second; nothing has to be sent again.
       *
       *     `not-ready`: The service has not caught up yet. Try again in a few seconds.
       *
       *     `overloaded`: Too much is waiting. Try again after the time in `Retry-After`.
       *
       *     `shutting-down`: The service is stopping. Try again when it has been started again.
       *
       *     `store-unavailable`: The store cannot write. Nothing of this request was kept.
       *
       *     `tokens-unavailable`: Not all tokens are known here now, so nobody can say whether this one is good. Try again shortly.
       */
      503: {
        headers: {
          /** @description Try again after so many seconds. */
          'Retry-After'?: number;
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 503;
            /** @enum {unknown} */
            code?:
              | 'in-force-not-durable'
              | 'not-ready'
              | 'overloaded'
              | 'shutting-down'
              | 'store-unavailable'
              | 'tokens-unavailable';
          };
        };
      };
    };
  };
  listTokens: {
    parameters: {
      query?: {
        /** @description At most so many items; a page may hold fewer, and still not be the last. */
        limit?: number;
        /** @description `nextCursor` of the page before. The list goes on there, whatever was added or taken away meanwhile. */
        cursor?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['TokenPage'];
        };
      };
      /**
       * @description `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `unknown-cursor`: The cursor is not the `nextCursor` of a page of this list. Begin anew.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'invalid-request' | 'malformed-request' | 'unknown-cursor';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  issueToken: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['IssueTokenBody'];
      };
    };
    responses: {
      /** @description OK */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['IssuedToken'];
        };
      };
      /**
       * @description `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-json`: The body is not valid JSON.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `nested-too-deep`: Objects and lists lie inside one another more than 32 deep.
       *
       *     `token-name-reserved`: This name is kept for Sluice itself. Take another one.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?:
              'invalid-request' | 'malformed-json' | 'malformed-request' | 'nested-too-deep' | 'token-name-reserved';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      /**
       * @description `conflict`: Others changed the same thing at the same time. Look at it again, then repeat.
       *
       *     `token-name-taken`: A token that is good still has this name. Revoke it, or take another name.
       */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 409;
            /** @enum {unknown} */
            code?: 'conflict' | 'token-name-taken';
          };
        };
      };
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      /** @description `not-the-owner`: Another service owns this. Send it to the address in `owner`. */
      421: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 421;
            /** @enum {unknown} */
            code?: 'not-the-owner';
          };
        };
      };
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  revokeToken: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path: {
        id: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is refused from now on. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `token-not-found`: There is no token with this id. `sluice token list` shows all. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'token-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      409: components['responses']['Conflict'];
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      /** @description `not-the-owner`: Another service owns this. Send it to the address in `owner`. */
      421: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 421;
            /** @enum {unknown} */
            code?: 'not-the-owner';
          };
        };
      };
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
  listWebhooks: {
    parameters: {
      query?: {
        /** @description At most so many items; a page may hold fewer, and still not be the last. */
        limit?: number;
        /** @description `nextCursor` of the page before. The list goes on there, whatever was added or taken away meanwhile. */
        cursor?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['WebhookPage'];
        };
      };
      /**
       * @description `invalid-request`: The request is not valid. See `errors` for each fault.
       *
       *     `malformed-request`: This is no HTTP request that the server can read.
       *
       *     `unknown-cursor`: The cursor is not the `nextCursor` of a page of this list. Begin anew.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 400;
            /** @enum {unknown} */
            code?: 'invalid-request' | 'malformed-request' | 'unknown-cursor';
          };
        };
      };
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      408: components['responses']['RequestTooSlow'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrTokensUnavailable'];
    };
  };
  testWebhooks: {
    parameters: {
      query?: never;
      header?: {
        /** @description Text of your own for this one command. The same request under the same key is answered as it was the first time, and carried out once. */
        'Idempotency-Key'?: components['parameters']['IdempotencyKey'];
      };
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        'application/json': components['schemas']['TestWebhooksBody'];
      };
    };
    responses: {
      /** @description OK */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/json': components['schemas']['WebhookTests'];
        };
      };
      400: components['responses']['InvalidRequestOrMalformedJsonOrMalformedRequestOrNestedTooDeep'];
      401: components['responses']['Unauthenticated'];
      403: components['responses']['Forbidden'];
      /** @description `receiver-not-found`: There is no receiver of this name. `sluice webhook list` shows all, the file of `--webhooks` has them. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          'application/problem+json': components['schemas']['Problem'] & {
            /** @constant */
            status?: 404;
            /** @enum {unknown} */
            code?: 'receiver-not-found';
          };
        };
      };
      408: components['responses']['RequestTooSlow'];
      409: components['responses']['Conflict'];
      413: components['responses']['BodyTooLarge'];
      415: components['responses']['UnsupportedMediaType'];
      422: components['responses']['KeyReused'];
      431: components['responses']['HeadersTooLarge'];
      500: components['responses']['Internal'];
      503: components['responses']['NotReadyOrOverloadedOrShuttingDownOrStoreUnavailableOrTokensUnavailable'];
    };
  };
}

export const enums = {
  AttentionKind: [
    'rollout-halted',
    'rollout-waits',
    'hold-expires',
    'recall-stalled',
    'recall-paused',
    'recall-requested',
    'stale',
    'blind',
    'source-silent',
    'source-contradicts',
    'events-parked',
    'forged-records',
    'later-version',
    'stop-not-durable',
    'store-not-writable',
    'clock-unsound',
    'id-used-twice',
    'removals-stubborn',
    'webhook-failing',
    'webhook-gone',
  ],
  ChangedField: [
    'device.osBuild',
    'device.installed',
    'device.removed',
    'device.failed',
    'device.removeFailed',
    'device.ring',
    'device.track',
    'policy',
    'patch',
    'hold',
    'recall',
    'recall-share',
    'rollout',
    'wave',
    'hold-back',
    'exposure',
  ],
  ClockDoubt: ['jumped', 'before-store', 'long-after-store'],
  ClockKind: ['wall', 'accelerated', 'manual'],
  DeviceFlag: ['clock-ahead', 'clock-behind', 'id-used-twice'],
  DeviceSource: ['reports', 'check-in', 'never-reported', 'no-answer'],
  EvidenceLevel: ['all', 'family', 'model', 'slice'],
  EvidenceSays: ['go', 'wait', 'hold', 'halt', 'unknown'],
  ExplainedReason: [
    'recalled',
    'policy-stale',
    'no-patch',
    'no-rollout',
    'already-installed',
    'folded-in',
    'pulled',
    'on-hold',
    'recall-paused',
    'recall-ramp',
    'remove-failed-too-often',
    'rollout-paused',
    'rollout-aborted',
    'outside-audience',
    'hold-back',
    'beyond-exposure',
    'removed-by-user',
    'failed-too-often',
    'manual-track',
    'in-ring',
    'in-wave',
    'completed',
    'superseded',
  ],
  FactKind: [
    'DeviceObserved',
    'DeviceRetired',
    'InstallStarted',
    'PatchInstalled',
    'PatchInstallFailed',
    'PatchRolledBack',
    'PatchRemoveStarted',
    'PatchRemoveFailed',
    'IncidentReported',
  ],
  FeedOrder: ['oldest', 'newest'],
  GoOn: ['evidence', 'time'],
  HaltedBy: ['gate', 'responder'],
  HeldBy: ['build', 'report'],
  HoldBackStatus: ['kept', 'released'],
  HoldNote: ['covers-no-known-device'],
  HoldStatus: ['active', 'lifted', 'expired'],
  NoticeKind: [
    'rollout-halted',
    'rollout-waits',
    'gate-hold',
    'patch-pulled',
    'recall-stalled',
    'recall-completed',
    'recall-reopened',
    'stale',
    'blind',
  ],
  Ok: ['ok'],
  OpenField: ['removed', 'removeFailed', 'removalShare', 'stale', 'device'],
  PatchState: ['started', 'installed', 'failed', 'rolledBack', 'replaced'],
  PatchStatus: ['published', 'superseded', 'folded-in', 'pulled'],
  Platform: ['ios', 'macos', 'visionos', 'tvos', 'watchos'],
  PullMode: ['withdraw', 'recall'],
  RecallStatus: ['running', 'paused', 'completed'],
  ReceiptDifferenceKind: ['receipt', 'receipt-missing', 'verdict', 'cause'],
  RemovalCause: ['recall', 'user', 'failure'],
  ReplayStatus: ['running', 'done', 'failed'],
  RequestedMode: ['recall'],
  RolloutStatus: ['planned', 'running', 'paused', 'halted', 'completed', 'aborted'],
  RuleCode: [
    'recalled',
    'policy-stale',
    'no-patch',
    'already-installed',
    'folded-in',
    'superseded',
    'pulled',
    'on-hold',
    'no-rollout',
    'rollout-paused',
    'outside-audience',
    'hold-back',
    'beyond-exposure',
    'removed-by-user',
    'failed-too-often',
    'manual-track',
    'in-wave',
  ],
  RuleOutcome: ['passed', 'decided', 'unknown', 'not-reached'],
  Severity: ['critical', 'warning', 'info'],
  TokenRole: ['viewer', 'publisher', 'operator', 'responder', 'device', 'gateway', 'peer', 'admin'],
  Track: ['automatic', 'manual'],
  WaitCode: [
    'start',
    'ramp',
    'bake',
    'approvals',
    'operator',
    'pace',
    'outcomes',
    'person',
    'pending-failures',
    'evidence',
    'gate',
    'health',
    'catalog',
    'own-store',
    'clock',
    'infrastructure',
    'hold',
    'patch-pulled',
  ],
  WaveNote: ['proves-nothing'],
  WebhookFormat: ['standard', 'slack', 'alertmanager'],
  WebhookReceiverState: ['open', 'gone', 'standing-by'],
  WebhookTestOutcome: ['accepted', 'failed'],
} as const;
