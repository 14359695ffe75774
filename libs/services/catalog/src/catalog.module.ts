import { Module } from '@nestjs/common';
import { ChangePatchHandler } from './change-patch.handler.ts';
import { ImportsController } from './imports.controller.ts';
import { PatchesController } from './patches.controller.ts';
import { Patches } from './patches.projection.ts';
import { SupersessionPolicy } from './supersession.policy.ts';

/** The catalog: what patches there are, and what became of them. Needs the platform's providers around it. */
@Module({
  controllers: [PatchesController, ImportsController],
  providers: [Patches, SupersessionPolicy, ChangePatchHandler],
})
export class CatalogModule {}
