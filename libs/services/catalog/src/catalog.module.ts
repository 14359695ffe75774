import { Module } from '@nestjs/common';
import { ChangeAccessHandler } from './access/change-access.handler.ts';
import { TokenFiles } from './access/token-files.ts';
import { TokenCommandsController } from './access/tokens.controller.ts';
import { CatalogAttention } from './attention.ts';
import { CatalogNotices } from './notices.ts';
import { Observe } from './observe.ts';
import { BuildReservations } from './patch/build-reservations.ts';
import { ChangePatchHandler } from './patch/change-patch.handler.ts';
import { ImportsController } from './import/imports.controller.ts';
import { PatchesController } from './patch/patches.controller.ts';
import { PullsInForce } from './patch/pulls-in-force.ts';
import { Patches } from './patch/patches.projection.ts';
import { SupersessionProcess } from './patch/supersession.process.ts';

/** The catalog: what patches there are, and what became of them. Needs the platform's providers around it. */
@Module({
  controllers: [PatchesController, ImportsController, TokenCommandsController],
  providers: [
    Patches,
    SupersessionProcess,
    BuildReservations,
    PullsInForce,
    ChangePatchHandler,
    TokenFiles,
    ChangeAccessHandler,
    Observe,
    CatalogAttention,
    CatalogNotices,
  ],
})
export class CatalogModule {}
