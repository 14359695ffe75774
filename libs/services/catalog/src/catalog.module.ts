import { Module } from '@nestjs/common';
import { BuildReservations } from './patch/build-reservations.ts';
import { ChangePatchHandler } from './patch/change-patch.handler.ts';
import { ImportsController } from './import/imports.controller.ts';
import { PatchesController } from './patch/patches.controller.ts';
import { PullsInForce } from './patch/pulls-in-force.ts';
import { Patches } from './patch/patches.projection.ts';
import { SupersessionProcess } from './patch/supersession.process.ts';

/** The catalog: what patches there are, and what became of them. Needs the platform's providers around it. */
@Module({
  controllers: [PatchesController, ImportsController],
  providers: [Patches, SupersessionProcess, BuildReservations, PullsInForce, ChangePatchHandler],
})
export class CatalogModule {}
